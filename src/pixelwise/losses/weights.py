"""Class weights from pixel counts. A class without pixels has weight 0."""

from typing import Literal

import torch
from torch import Tensor

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import ClassWeights, Labels, PixelCounts

Scheme = Literal["none", "inverse", "root_inverse", "complement", "two_minus_inverse", "background"]
"""Scheme that converts the number of pixels n of each class, with its share f = n / Σn, to a weight:

- `none`: 1.
- `inverse`: 1 / f (report kerr-voc2007).
- `root_inverse`: 1 / √f, between `none` and `inverse` (used for sampling by Mahajan et al., "Exploring the Limits of
  Weakly Supervised Pretraining", ECCV 2018).
- `complement`: 1 - f (reports ai-idd and isayama-voc2012).
- `two_minus_inverse`: 2 - 1 / n, and 0.15 for background (report lian-voc2007, 4b and 4c).
- `background`: 1, and 0.1 for background (report lian-voc2007, 5a to 5c).

Background is the class with the most pixels, as in PASCAL VOC, the data set of that report.
"""


def class_weights(scheme: Scheme, pixel_counts: PixelCounts) -> ClassWeights | None:
    """Returns the weights of the classes, or None if all are 1.

    Args:
        scheme: See `Scheme`.
        pixel_counts: Number of pixels of each class in the training split, without void.
    """
    if scheme == "none":
        return None
    counts = pixel_counts.double()
    share = counts / counts.sum().clamp(min=1)
    if scheme == "inverse":
        weights = 1 / share
    elif scheme == "root_inverse":
        weights = share.rsqrt()
    elif scheme == "complement":
        weights = 1 - share
    elif scheme == "two_minus_inverse":
        weights = 2 - 1 / counts
        weights[counts.argmax()] = 0.15
    else:
        weights = torch.ones_like(share)
        weights[counts.argmax()] = 0.1
    return torch.where(pixel_counts > 0, weights, 0).float()


def valid_weight(labels: Labels, weights: ClassWeights | None) -> Tensor:
    """Returns the sum of the class weights of all valid pixels, or their number if `weights` is None."""
    valid = labels != IGNORE
    return valid.sum() if weights is None else torch.where(valid, weights[labels.long() * valid], 0).sum()
