"""What needs recipes, engine and report together."""
