"""Run folders for tests."""

from pixelwise.core.machine import Machine, describe_machine
from pixelwise.data.statistics import Statistics
from pixelwise.run.environment import Environment

ENVIRONMENT = Environment(
    machine=Machine(device="cpu", precision="fp32", threads=1, workers=0),
    statistics=Statistics(images=8, pixel_counts=(1,) * 8, void_pixels=0, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)),
    **describe_machine(),
)
"""An environment with statistics of nothing real."""
