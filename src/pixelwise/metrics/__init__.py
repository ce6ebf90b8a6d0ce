"""Metrics: integer counts of pixels, and scores as pure functions of them."""
