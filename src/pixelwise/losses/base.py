"""Contract of losses: `LossSpec` builds a function of logits and labels, which returns a sum and a count."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec
from pixelwise.core.types import Labels, Logits, PixelCounts


@dataclass(frozen=True)
class LossValue:
    """Sum and count of a loss. Both add up over batches and ranks; the loss is the total sum over the total count.

    Attributes:
        sum: Sum of the losses, a scalar with gradient.
        count: Number of valid pixels, or the sum of their weights, a scalar.
    """

    sum: Tensor
    count: Tensor

    @property
    def mean(self) -> Tensor:
        """The sum divided by the count; 0 with zero gradient if the count is 0."""
        return self.sum / torch.where(self.count > 0, self.count, torch.ones_like(self.count))


@runtime_checkable
class LossFunction(Protocol):
    """Loss that a spec builds. It is a module, so `.to` moves its class weights."""

    def __call__(self, logits: Logits, labels: Labels) -> LossValue:
        """Returns the loss of a batch."""
        ...

    def to(self, device: torch.device) -> "LossFunction":
        """Moves the class weights to a device."""
        ...


class LossSpec(Spec):
    """Base class of the specs of losses.

    Attributes:
        kind: Name of the loss. For a user's own loss, its import path (`my_file.py:MyLoss`).
    """

    kind: str

    def build(self, pixel_counts: PixelCounts) -> LossFunction:
        """Builds the loss.

        Args:
            pixel_counts: Number of pixels of each class in the training split, without void.
        """
        del pixel_counts
        raise InvalidSpec(f"{self.kind} defines no `build(pixel_counts)`; return a function that gives a LossValue.")
