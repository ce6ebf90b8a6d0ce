"""Focal loss over valid pixels, with optional class weights."""

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
    """Focal loss over valid pixels, with optional class weights (Lin 2017).

    The loss l of a pixel is -(1 - p)^γ ln p, where p is the predicted probability of its label. The loss of a batch is
    the mean over valid pixels, with class weights w the weighted mean Σ w·l / Σ w. A class that is absent from a batch
    contributes nothing; a class that is absent from the training split has weight 0.

    Paper: Lin, Goyal, Girshick, He, Dollár, "Focal Loss for Dense Object Detection", ICCV 2017; report kerr-voc2007.

    Departures: from the paper: a softmax over the classes instead of a sigmoid of each class, as in the report.

    Attributes:
        gamma: γ, 0 or larger. 0 is cross-entropy; the larger γ, the smaller the weight of easy pixels.
        class_weights: Scheme that converts the pixel counts of the training split to class weights.
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
        gamma: See `Focal`.
        weights: Weight of each class; None for 1.
    """

    def __init__(self, gamma: float, weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Returns the sum of the weighted losses and the sum of the weights over valid pixels."""
        labels = labels.long()
        cross_entropy = F.cross_entropy(logits.float(), labels, ignore_index=IGNORE, reduction="none")
        # The smallest positive float keeps the gradient of a fractional power finite where p = 1.
        error_probability = (1 - torch.exp(-cross_entropy)).clamp(min=torch.finfo(cross_entropy.dtype).tiny)
        focal = error_probability**self.gamma * cross_entropy
        if self.weights is not None:
            focal = focal * self.weights[labels * (labels != IGNORE)]
        return LossValue(focal.sum(), valid_weight(labels, self.weights))
