"""Results for a person."""
