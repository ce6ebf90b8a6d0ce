"""Evaluation: from a split to scores."""
