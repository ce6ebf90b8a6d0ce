"""Predictor, weights, runtime, sliding windows, test-time augmentation, reading and writing of image files."""
