"""Calibration of the predicted probabilities: reliability, expected calibration error, and temperature scaling.

Paper: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor

BINS = 15
"""Number of bins of equal width, as in the paper."""
_STEPS = 60


class Reliability(NamedTuple):
    """Pixels by confidence, the probability of the predicted class. Counts add up over images.

    Attributes:
        pixels: Number of pixels in each bin of 0..1.
        correct: Number of correctly predicted pixels in each bin.
        confidence: Sum of the confidences in each bin.
    """

    pixels: Float[Tensor, " bins"]
    correct: Float[Tensor, " bins"]
    confidence: Float[Tensor, " bins"]

    def plus(self, other: "Reliability") -> "Reliability":
        """Returns the sum of two counts."""
        return Reliability(*(a + b for a, b in zip(self, other, strict=True)))


def reliability(logits: Float[Tensor, "N K"], labels: Integer[Tensor, " N"]) -> Reliability:
    """Counts valid pixels by confidence.

    Args:
        logits: Logits of each pixel.
        labels: Class id of each pixel, without IGNORE.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    # Bins are open at the lower end and closed at the upper end, as in the paper. No confidence is below 1 / K.
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1

    def total(values: Float[Tensor, " N"]) -> Float[Tensor, " bins"]:
        return torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, values)

    ones = torch.ones_like(confidence)
    return Reliability(total(ones), total((predicted == labels).double()), total(confidence))


def expected_calibration_error(counts: Reliability) -> float:
    """Returns the mean of |accuracy - confidence| of the bins, weighted by their pixels, 0..1; NaN without pixels."""
    total = counts.pixels.sum()
    return float((counts.correct - counts.confidence).abs().sum() / total) if total else float("nan")


def fit_temperature(logits: Float[Tensor, "N K"], labels: Integer[Tensor, " N"]) -> float:
    """Returns the temperature T > 0 that minimizes the cross-entropy of softmax(logits / T).

    The cross-entropy is convex in 1/T; the zero of its derivative is found by bisection.

    Args:
        logits: Logits of each pixel.
        labels: Class id of each pixel, without IGNORE.
    """
    exact = logits.double()
    label_logits = exact.gather(1, labels.long()[:, None])[:, 0]
    low, high = 1e-3, 1e3
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        expected = ((exact * middle).softmax(1) * exact).sum(1)
        low, high = (low, middle) if (expected - label_logits).mean() > 0 else (middle, high)
    return float(1 / (low * high) ** 0.5)
