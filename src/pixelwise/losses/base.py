"""The contract of a loss: a spec that builds a function of logits and labels which gives a sum and a count."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from pixelwise.core.spec import Spec
from pixelwise.core.types import Labels, Logits, PixelCounts


@dataclass(frozen=True)
class LossValue:
    """A loss that adds up over batches and ranks: add sums and counts, then divide.

    Attributes:
        sum: Scalar with gradient.
        count: Scalar: what the sum is to be divided by (valid pixels, or the sum of their weights).
    """

    sum: Tensor
    count: Tensor

    @property
    def mean(self) -> Tensor:
        """The sum over the count, and 0 with zero gradient where nothing was counted."""
        return self.sum / torch.where(self.count > 0, self.count, torch.ones_like(self.count))


@runtime_checkable
class LossFunction(Protocol):
    """What a loss's spec builds (a module, so that its weights move with `.to`)."""

    def __call__(self, logits: Logits, labels: Labels) -> LossValue:
        """The loss of a batch."""
        ...

    def to(self, device: torch.device) -> "LossFunction":
        """Moves the weights."""
        ...


class LossSpec(Spec):
    """Base of every loss's spec.

    Attributes:
        kind: Which loss; for a user's own, its import path (`my_file.py:MyLoss`).
    """

    kind: str

    def build(self, pixel_counts: PixelCounts) -> LossFunction:
        """The loss for training labels with these pixel counts.

        Args:
            pixel_counts: Pixels of each class in the training split, void not counted.
        """
        raise NotImplementedError
