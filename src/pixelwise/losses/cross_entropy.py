"""Softmax cross-entropy over valid pixels, with optional class weights and label smoothing."""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import ClassWeights, Labels, Logits, PixelCounts
from pixelwise.losses.base import LossSpec, LossValue
from pixelwise.losses.weights import Scheme, class_weights, valid_weight


class CrossEntropy(LossSpec):
    """Softmax cross-entropy over valid pixels, with optional class weights and label smoothing (Szegedy 2016).

    The loss l of a pixel is -ln p, where p is the predicted probability of its label. The loss of a batch is the mean
    over valid pixels, with class weights w the weighted mean Σ w·l / Σ w, as in torch. A class that is absent from a
    batch contributes nothing; a class that is absent from the training split has weight 0.

    Paper: for label smoothing, Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for
    Computer Vision", CVPR 2016.

    Departures: none; definition as in torch.

    Attributes:
        class_weights: Scheme that converts the pixel counts of the training split to class weights.
        label_smoothing: ε, 0 ≤ ε < 1: the target is 1 - ε for the label, plus ε / K for each of the K classes.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    class_weights: Scheme = "none"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def build(self, pixel_counts: PixelCounts) -> "CrossEntropyLoss":
        """See `LossSpec.build`."""
        return CrossEntropyLoss(class_weights(self.class_weights, pixel_counts), self.label_smoothing)


class CrossEntropyLoss(nn.Module):
    """See `CrossEntropy`.

    Args:
        weights: Weight of each class; None for 1.
        label_smoothing: See `CrossEntropy`.
    """

    def __init__(self, weights: ClassWeights | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Returns the sum of the weighted losses and the sum of the weights over valid pixels."""
        if logits.device.type == "cpu":
            total: Tensor = _Sum.apply(logits, labels, self.weights, self.label_smoothing)
        else:
            total = F.cross_entropy(
                logits.float(), labels.long(), self.weights, ignore_index=IGNORE, reduction="sum",
                label_smoothing=self.label_smoothing,
            )  # fmt: skip
        return LossValue(total, valid_weight(labels.long(), self.weights))


class _Sum(torch.autograd.Function):
    """`F.cross_entropy(…, reduction="sum")` for CPUs, in a third of the time (docs/log.md).

    Images are processed one after the other, so that the fp32 intermediates stay in the cache of the CPU. The gradient,
    softmax minus one-hot label, is computed in the same pass. The sum is in fp64.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Logits, labels: Labels, weights: ClassWeights | None, label_smoothing: float
    ) -> Tensor:
        """Returns the sum over valid pixels."""
        exact = torch.promote_types(logits.dtype, torch.float32)
        total = torch.zeros((), dtype=torch.float64)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        # The target of each class without the 1 - ε of the label.
        spread = torch.full((logits.shape[1], 1, 1), label_smoothing / logits.shape[1], dtype=exact)
        spread = spread if weights is None else spread * weights[:, None, None]
        for index, (image_logits, image_labels) in enumerate(zip(logits, labels, strict=True)):
            scores = image_logits.to(exact, memory_format=torch.contiguous_format, copy=True)
            valid = (image_labels != IGNORE)[None]
            classes = image_labels.long()[None] * valid
            weight = (1 - label_smoothing) * (1 if weights is None else weights[classes]) * valid.to(exact)
            scores -= scores.amax(0)
            label_scores = scores.gather(0, classes)
            target_scores = (scores * spread).sum(0) if label_smoothing else 0
            total_exp = scores.exp_().sum(0)
            loss = (total_exp.log() - label_scores) * weight
            if label_smoothing:
                loss += (total_exp.log() * spread.sum() - target_scores) * valid
            total += loss.sum(dtype=torch.float64)
            if gradient is not None:
                scores *= (weight + spread.sum() * valid if label_smoothing else weight) / total_exp
                scores = scores - spread * valid if label_smoothing else scores
                gradient[index] = scores.scatter_add_(0, classes, -weight)
        ctx.save_for_backward(gradient)
        return total.to(exact)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None, None]:
        """Returns the gradient of the logits for the gradient `slope` of the sum."""
        (gradient,) = ctx.saved_tensors
        scaled = torch.empty_like(gradient)
        for index, image_gradient in enumerate(gradient):
            # In the dtype of the slope: rounding it to bf16 would change the gradients of all pixels alike.
            scaled[index] = image_gradient.to(slope.dtype) * slope
        return scaled, None, None, None
