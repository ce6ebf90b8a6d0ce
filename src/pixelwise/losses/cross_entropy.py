"""Cross-entropy over valid pixels, with or without class weights."""

from typing import Literal

from torch import nn
from torch.nn import functional as F

from pixelwise.core.labels import IGNORE
from pixelwise.core.types import ClassWeights, Labels, Logits, PixelCounts
from pixelwise.losses.base import LossSpec, LossValue
from pixelwise.losses.weights import Scheme, class_weights, valid_weight


class CrossEntropy(LossSpec):
    """Softmax cross-entropy: the mean of -ln p(label) over valid pixels, weighted Σ w·l / Σ w as torch does.

    A class that is absent from a batch adds nothing; one absent from the training split has weight 0.

    Attributes:
        weights: How the training split's pixel counts become class weights.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    weights: Scheme = "none"

    def build(self, pixel_counts: PixelCounts) -> "CrossEntropyLoss":
        """See `LossSpec.build`."""
        return CrossEntropyLoss(class_weights(self.weights, pixel_counts))


class CrossEntropyLoss(nn.Module):
    """See `CrossEntropy`.

    Args:
        weights: One weight for each class, or None for all 1.
    """

    def __init__(self, weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Sum of the weighted losses, and sum of the weights, over valid pixels."""
        labels = labels.long()
        total = F.cross_entropy(logits.float(), labels, self.weights, ignore_index=IGNORE, reduction="sum")
        return LossValue(total, valid_weight(labels, self.weights))
