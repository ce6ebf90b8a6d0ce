"""Dice loss over valid pixels, of all classes together or of each class."""

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
    """Dice loss over valid pixels, of all classes together or of each class (Milletari 2016).

    The loss d of an image is 1 - (2 Σty + ε) / (Σ(t + y) + ε) over its valid pixels, where t are the one-hot labels, y
    the probabilities, and ε = 1. The loss of a batch is the mean over its images; an image of void only does not count.
    With `per_class`, the loss of an image is the mean Σ w·d / Σ w over the classes in its labels; a class that is
    absent from the labels, or from the training split, contributes nothing.

    Paper: Milletari, Navab, Ahmadi, "V-Net", 3DV 2016; reports kerr-voc2007 and xiang-cityscapes.

    Departures: from the paper: squares in neither sum, as in the reports.

    Attributes:
        per_class: Whether the loss is computed for each class; else for all classes together.
        class_weights: Scheme that converts the pixel counts of the training split to class weights; needs `per_class`.
        form: `standard`, or as a report prints it: `kerr`: 1 - 2 (Σty + ε) / (Σ(t + y) + ε), which can be negative;
            `xiang`: 1 - (Σty + ε) / (Σ(t + y) + ε), whose minimum is about 0.5.
    """

    kind: Literal["dice"] = "dice"
    per_class: bool = False
    class_weights: Scheme = "none"
    form: Form = "standard"

    @model_validator(mode="after")
    def _weights_need_classes(self) -> "Dice":
        if self.class_weights != "none" and not self.per_class:
            raise ValueError("class weights need the loss of each class: set loss.per_class=true as well")
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
        form: See `Dice`.
        weights: Weight of each class; None for all classes together.
    """

    def __init__(self, form: Form, weights: ClassWeights | None = None) -> None:
        super().__init__()
        self.form = form
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Returns the sum of the losses of the images and the number of images with a valid pixel."""
        images, num_classes = logits.shape[:2]
        valid = labels != IGNORE
        classes = labels.long() * valid
        probabilities = logits.float().softmax(1) * valid[:, None]
        label_probability = probabilities.gather(1, classes[:, None])
        # Sums by image and class without one-hot labels, which would take K times the memory of the labels.
        cell = (classes + num_classes * torch.arange(images, device=labels.device).view(-1, 1, 1)).flatten()
        intersection = probabilities.new_zeros(images * num_classes).index_add(0, cell, label_probability.flatten())
        intersection = intersection.view(images, num_classes)
        true = cell.new_zeros(images * num_classes).index_add(0, cell, valid.long().flatten()).view(images, num_classes)
        size = probabilities.sum((2, 3)) + true
        counted = valid.flatten(1).any(1)
        if self.weights is None:
            dice = self._dice_loss(intersection.sum(1), size.sum(1))
        else:
            weights = self.weights * (true > 0)
            total = weights.sum(1)
            dice = (weights * self._dice_loss(intersection, size)).sum(1) / torch.where(total > 0, total, 1)
        return LossValue((dice * counted).sum(), counted.sum())

    def _dice_loss(self, intersection: Tensor, size: Tensor) -> Tensor:
        if self.form == "kerr":
            return 1 - 2 * (intersection + EPSILON) / (size + EPSILON)
        return 1 - ((1 if self.form == "xiang" else 2) * intersection + EPSILON) / (size + EPSILON)
