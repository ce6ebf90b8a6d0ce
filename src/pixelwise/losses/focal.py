"""Focal loss over valid pixels, with or without class weights."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import ClassWeights, Labels, Logits, PixelCounts
from pixelwise.losses.base import LossSpec, LossValue
from pixelwise.losses.weights import Scheme, class_weights, valid_weight


class Focal(LossSpec):
    """The mean of -(1 - p)^γ ln p over valid pixels, where p is the probability of the label; weighted Σ w·l / Σ w.

    A class that is absent from a batch adds nothing; one absent from the training split has weight 0.

    Paper: Lin, Goyal, Girshick, He, Dollár, "Focal Loss for Dense Object Detection", ICCV 2017; report kerr-voc2007.

    Departures: from the paper: softmax over the classes instead of a sigmoid for each, as in the report.

    Attributes:
        gamma: γ; 0 is cross-entropy, and the larger, the less an easy pixel counts.
        class_weights: Scheme that turns the pixel counts of the training split into class weights.
    """

    kind: Literal["focal"] = "focal"
    gamma: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2
    class_weights: Scheme = "none"

    def build(self, pixel_counts: PixelCounts) -> "FocalLoss":
        """See `LossSpec.build`."""
        return FocalLoss(self.gamma, class_weights(self.class_weights, pixel_counts))


class FocalLoss(nn.Module):
    """See `Focal`.

    Args:
        gamma: γ.
        weights: One weight for each class, or None for all 1.
    """

    def __init__(self, gamma: float, weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Sum of the weighted losses, and sum of the weights, over valid pixels."""
        labels = labels.long()
        surprise = F.cross_entropy(logits.float(), labels, ignore_index=IGNORE, reduction="none")
        # The smallest float keeps the slope of a fractional power finite where the label is certain.
        doubt = (1 - torch.exp(-surprise)).clamp(min=torch.finfo(surprise.dtype).tiny)
        focal = doubt**self.gamma * surprise
        if self.weights is not None:
            focal = focal * self.weights[labels * (labels != IGNORE)]
        return LossValue(focal.sum(), valid_weight(labels, self.weights))
