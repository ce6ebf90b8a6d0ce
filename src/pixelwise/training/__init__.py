"""Training: preflight, the loop, its optimizer and schedule, checkpoints and exact resume."""
