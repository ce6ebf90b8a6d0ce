"""Class weights from pixel counts: pure functions, each as its source states it. A class without a pixel gets 0."""

from typing import Literal

import torch

from pixelwise.core.types import ClassWeights, PixelCounts

Scheme = Literal["none", "inverse", "complement"]
"""`none` 1 for every class; `inverse` 1 / f (report kerr-voc2007); `complement` 1 - f (reports ai-idd and
isayama-voc2012), where f is the class's share of the labelled pixels."""


def class_weights(scheme: Scheme, pixel_counts: PixelCounts) -> ClassWeights | None:
    """Weights of the classes, or None where all weigh the same.

    Args:
        scheme: How counts become weights.
        pixel_counts: Pixels of each class in the training split, void not counted.
    """
    if scheme == "none":
        return None
    share = pixel_counts.double() / pixel_counts.sum().clamp(min=1)
    weights = 1 / share if scheme == "inverse" else 1 - share
    return torch.where(pixel_counts > 0, weights, 0).float()
