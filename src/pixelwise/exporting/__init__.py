"""Conversion of a run to files for other programs, with a parity certificate measured on the validation split."""
