"""The contents of environment.json: machine, library versions, statistics of the training data."""

from pixelwise.core.machine import Machine
from pixelwise.core.spec import Spec
from pixelwise.data.statistics import Statistics


class Environment(Spec):
    """Environment of a run.

    Attributes:
        machine: Device, precision, threads and workers.
        statistics: Statistics of the training split; class weights and normalization follow from them.
        platform: Operating system and architecture.
        processor: Name of the processor.
        cores: Number of cores of the machine.
        gpu: Name of the GPU, None without one.
        python: Version of Python; likewise the libraries below. `Pillow` is None in old runs.
    """

    machine: Machine
    statistics: Statistics
    platform: str
    processor: str
    cores: int
    gpu: str | None = None
    python: str
    pixelwise: str
    torch: str
    torchvision: str
    numpy: str
    Pillow: str | None = None
