"""pixelwise beside what a user would otherwise run: same machine, same network, in turn. `python -m benchmarks`."""
