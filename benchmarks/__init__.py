"""Comparison of pixelwise with other libraries on the same machine and the same network: `python -m benchmarks`."""
