"""A run as a file for other programs: pixels in, classes out, proven on the run's own validation split."""
