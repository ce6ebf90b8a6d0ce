"""Whether a network is as often right as it is sure: reliability, its expected error, and the temperature to mend it.

Paper: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor

BINS = 15
"""Of equal width, as in the paper."""
_STEPS = 60


class Reliability(NamedTuple):
    """Pixels by the probability of their predicted class; they add up over images.

    Attributes:
        pixels: How many pixels are in each bin of 0..1.
        right: How many of them are right.
        confidence: Sum of their probabilities.
    """

    pixels: Float[Tensor, " bins"]
    right: Float[Tensor, " bins"]
    confidence: Float[Tensor, " bins"]

    def plus(self, other: "Reliability") -> "Reliability":
        """Of both together."""
        return Reliability(*(a + b for a, b in zip(self, other, strict=True)))


def reliability(logits: Float[Tensor, "N K"], labels: Integer[Tensor, " N"]) -> Reliability:
    """Counts of valid pixels.

    Args:
        logits: Of each pixel.
        labels: Class ids; none is IGNORE.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    # A bin is open below and closed above, as in the paper; nothing is below 1 / K.
    place = (confidence * BINS).ceil().long().clamp(1, BINS) - 1

    def added(values: Float[Tensor, " N"]) -> Float[Tensor, " bins"]:
        return torch.zeros(BINS, dtype=torch.float64).index_add_(0, place, values)

    ones = torch.ones_like(confidence)
    return Reliability(added(ones), added((predicted == labels).double()), added(confidence))


def expected_calibration_error(found: Reliability) -> float:
    """The mean over pixels of |share that is right - confidence| of their bin, 0..1; NaN without a pixel."""
    total = found.pixels.sum()
    return float((found.right - found.confidence).abs().sum() / total) if total else float("nan")


def fit_temperature(logits: Float[Tensor, "N K"], labels: Integer[Tensor, " N"]) -> float:
    """The T > 0 for which softmax(logits / T) has the smallest cross-entropy.

    In 1/T the cross-entropy is convex: its slope is bisected.

    Args:
        logits: Of each pixel.
        labels: Class ids; none is IGNORE.
    """
    exact = logits.double()
    of_label = exact.gather(1, labels.long()[:, None])[:, 0]
    low, high = 1e-3, 1e3
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        expected = ((exact * middle).softmax(1) * exact).sum(1)
        low, high = (low, middle) if (expected - of_label).mean() > 0 else (middle, high)
    return float(1 / (low * high) ** 0.5)
