"""Cross-entropy over valid pixels, with or without class weights and label smoothing."""

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
    """Softmax cross-entropy: the mean of -ln p(label) over valid pixels, weighted Σ w·l / Σ w as torch does.

    A class that is absent from a batch adds nothing; one absent from the training split has weight 0.

    Attributes:
        class_weights: Scheme that turns the pixel counts of the training split into class weights.
        smoothing: ε: labels are taken as 1 - ε of their class and ε of all K alike, as torch does (Szegedy et al.,
            "Rethinking the Inception Architecture", CVPR 2016).
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
        weights: One weight for each class, or None for all 1.
        smoothing: ε.
    """

    def __init__(self, weights: ClassWeights | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.weights: ClassWeights | None
        self.register_buffer("weights", weights)

    def forward(self, logits: Logits, labels: Labels) -> LossValue:
        """Sum of the weighted losses, and sum of the weights, over valid pixels."""
        if logits.device.type == "cpu":
            total: Tensor = _Sum.apply(logits, labels, self.weights, self.label_smoothing)
        else:
            total = F.cross_entropy(
                logits.float(), labels.long(), self.weights, ignore_index=IGNORE, reduction="sum",
                label_smoothing=self.label_smoothing,
            )  # fmt: skip
        return LossValue(total, valid_weight(labels.long(), self.weights))


class _Sum(torch.autograd.Function):
    """`F.cross_entropy(…, reduction="sum")` in a third of its time on processors (docs/log.md).

    One image after the other, so that what is computed in fp32 stays in the processor's cache, and the gradient in the
    same pass: softmax - label. Summed in fp64.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Logits, labels: Labels, weights: ClassWeights | None, label_smoothing: float
    ) -> Tensor:
        """The sum over valid pixels."""
        exact = torch.promote_types(logits.dtype, torch.float32)
        total = torch.zeros((), dtype=torch.float64)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        # What every class has of each pixel's label.
        spread = torch.full((logits.shape[1], 1, 1), label_smoothing / logits.shape[1], dtype=exact)
        spread = spread if weights is None else spread * weights[:, None, None]
        for number, (one, true) in enumerate(zip(logits, labels, strict=True)):
            scores = one.to(exact, memory_format=torch.contiguous_format, copy=True)
            valid = (true != IGNORE)[None]
            classes = true.long()[None] * valid
            weight = (1 - label_smoothing) * (1 if weights is None else weights[classes]) * valid.to(exact)
            scores -= scores.amax(0)
            of_label = scores.gather(0, classes)
            of_all = (scores * spread).sum(0) if label_smoothing else 0
            share = scores.exp_().sum(0)
            loss = (share.log() - of_label) * weight
            if label_smoothing:
                loss += (share.log() * spread.sum() - of_all) * valid
            total += loss.sum(dtype=torch.float64)
            if gradient is not None:
                scores *= (weight + spread.sum() * valid if label_smoothing else weight) / share
                scores = scores - spread * valid if label_smoothing else scores
                gradient[number] = scores.scatter_add_(0, classes, -weight)
        ctx.save_for_backward(gradient)
        return total.to(exact)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None, None]:
        """The gradient, times that of the sum."""
        (gradient,) = ctx.saved_tensors
        scaled = torch.empty_like(gradient)
        for number, one in enumerate(gradient):
            scaled[number] = (
                one.to(slope.dtype) * slope
            )  # in fp32: a slope of eight bits would be wrong for all pixels alike
        return scaled, None, None, None
