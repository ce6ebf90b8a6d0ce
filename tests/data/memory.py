"""A split in memory, for tests of what is done with samples rather than of reading them."""

from collections.abc import Sequence

import torch

from pixelwise.core.label_space import LabelSpace
from pixelwise.data.base import Sample

SPACE = LabelSpace(
    names=("a", "b", "c", "d"), colors=((0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)), raw_ids=(0, 1, 2, 3)
)


class InMemory:
    """Gives the samples it was given; see `SegmentationDataset`."""

    def __init__(self, samples: Sequence[Sample], space: LabelSpace = SPACE) -> None:
        self.samples, self.label_space = samples, space
        self.ids = [sample.id for sample in samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def numbered(count: int, size: tuple[int, int] = (4, 4)) -> InMemory:
    """A split whose image number i is filled with i."""
    labels = torch.zeros(size, dtype=torch.uint8)
    return InMemory([Sample(torch.full((3, *size), i, dtype=torch.uint8), labels, f"n{i}") for i in range(count)])
