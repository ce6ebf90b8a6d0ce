"""Dice loss over valid pixels, of all classes together or class by class."""

from typing import Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import ClassWeights, Labels, Logits, PixelCounts
from pixelwise.losses.base import LossSpec, LossValue
from pixelwise.losses.weights import Scheme, class_weights

Form = Literal["standard", "kerr", "xiang"]
EPSILON = 1.0


class Dice(LossSpec):
    """1 - (2 Σty + ε) / (Σ(t + y) + ε) over the valid pixels of an image, t the one-hot labels, y the probabilities.

    A batch's loss is the mean over its images, so that batches add up; an image that is all void does not count. Class
    by class, an image's loss is the mean over the classes that occur in its labels, Σ w·d / Σ w; a class that is absent
    there, or from the training split, adds nothing.

    Paper: Milletari, Navab, Ahmadi, "V-Net", 3DV 2016; reports kerr-voc2007 and xiang-cityscapes. ε = 1.

    Attributes:
        per_class: Class by class; else all classes together.
        class_weights: Scheme that turns the pixel counts of the training split into class weights; needs `per_class`.
        form: `standard`; or as a report prints it: `kerr` 1 - 2 (Σty + ε) / (Σ(t + y) + ε), which falls below 0, or
            `xiang` 1 - (Σty + ε) / (Σ(t + y) + ε), which does not fall below about a half.
    """

    kind: Literal["dice"] = "dice"
    per_class: bool = False
    class_weights: Scheme = "none"
    form: Form = "standard"

    @model_validator(mode="after")
    def _weights_need_classes(self) -> "Dice":
        if self.class_weights != "none" and not self.per_class:
            raise ValueError("class weights need the dice of each class: set loss.per_class=true as well")
        return self

    def build(self, pixel_counts: PixelCounts) -> "DiceLoss":
        """See `LossSpec.build`."""
        weights = class_weights(self.class_weights, pixel_counts)
        if self.per_class and weights is None:
            weights = (pixel_counts > 0).float()
        return DiceLoss(self.form, weights)


class DiceLoss(nn.Module):
    """See `Dice`.

    Args:
        form: How the quotient is written.
        weights: One weight for each class for class by class, or None for all together.
    """

    def __init__(self, form: Form, weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.form = form
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Sum of the images' losses, and the number of images with a valid pixel."""
        images, number = logits.shape[:2]
        valid = labels != IGNORE
        classes = labels.long() * valid
        probabilities = logits.float().softmax(1) * valid[:, None]
        of_label = probabilities.gather(1, classes[:, None])
        # Summed by class without one-hot labels, which would be K times as large as the labels.
        place = (classes + number * torch.arange(images, device=labels.device).view(-1, 1, 1)).flatten()
        hit = probabilities.new_zeros(images * number).index_add(0, place, of_label.flatten()).view(images, number)
        true = place.new_zeros(images * number).index_add(0, place, valid.long().flatten()).view(images, number)
        size = probabilities.sum((2, 3)) + true
        counted = valid.flatten(1).any(1)
        if self.weights is None:
            dice = self._quotient(hit.sum(1), size.sum(1))
        else:
            weights = self.weights * (true > 0)
            total = weights.sum(1)
            dice = (weights * self._quotient(hit, size)).sum(1) / torch.where(total > 0, total, 1)
        return LossValue((dice * counted).sum(), counted.sum())

    def _quotient(self, hit: Tensor, size: Tensor) -> Tensor:
        if self.form == "kerr":
            return 1 - 2 * (hit + EPSILON) / (size + EPSILON)
        return 1 - ((1 if self.form == "xiang" else 2) * hit + EPSILON) / (size + EPSILON)
