"""A data set for tests, as a user would write it."""

from collections.abc import Sequence
from pathlib import Path

import torch

from pixelwise.core.label_space import LabelSpace
from pixelwise.data import DataSpec, Sample


class Stripes(DataSpec):
    """Vertical stripes of two classes."""

    kind: str = f"{__file__}:Stripes"

    @property
    def label_space(self) -> LabelSpace:
        return LabelSpace(names=("dark", "bright"), colors=((0, 0, 0), (255, 255, 255)), raw_ids=(0, 1))

    def build(self, split: str, root: Path) -> "StripesSplit":
        return StripesSplit(self.label_space)


class StripesSplit:
    def __init__(self, label_space: LabelSpace) -> None:
        self.label_space = label_space
        self.ids: Sequence[str] = ("a", "b", "c", "d")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        labels = (torch.arange(48) // (4 + index) % 2).repeat(32, 1)
        return Sample((60 + 120 * labels).to(torch.uint8).repeat(3, 1, 1), labels.to(torch.uint8), self.ids[index])
