"""Boundary IoU: how well the edges fit, which the IoU of large objects hides.

Paper: Cheng, Girshick, Dollár, Berg, Kirillov, "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation",
CVPR 2021.

Departures: the paper scores one object at a time; here the counts of a class are added up over a split, as for IoU.
Void pixels count neither as true nor as predicted.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int64
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import ImageLabels

WIDTH = 0.02
"""Of the boundary, in diagonals of the image (the paper's)."""


class BoundaryCounts(NamedTuple):
    """Pixels of boundaries by class, which add up over images.

    Attributes:
        intersection: True and predicted boundary alike.
        union: True boundary, predicted boundary, or both.
    """

    intersection: Int64[Tensor, " K"]
    union: Int64[Tensor, " K"]


def count_boundaries(labels: ImageLabels, predicted: ImageLabels, num_classes: int) -> BoundaryCounts:
    """Boundary pixels of an image.

    Args:
        labels: True class ids.
        predicted: Predicted class ids.
        num_classes: K.
    """
    valid = labels != IGNORE
    distance = max(1, round(WIDTH * math.hypot(*labels.shape)))
    true, said = (near_others(ids, distance) & valid for ids in (labels, predicted))

    def counted(ids: ImageLabels, where: Bool[Tensor, "H W"]) -> Int64[Tensor, " K"]:
        return torch.bincount(ids[where].long(), minlength=num_classes)

    both = counted(labels, true & said & (labels == predicted))
    return BoundaryCounts(both, counted(labels, true) + counted(predicted, said) - both)


def near_others(ids: ImageLabels, distance: int) -> Bool[Tensor, "H W"]:
    """The pixels within `distance` (of chessboard) of one with another id, or of the image's edge.

    So every pixel is told once, whatever its class: what is near lies where the largest or the smallest id around is
    not the pixel's own.
    """
    floats = ids.float()[None, None]
    found = torch.zeros_like(floats, dtype=torch.bool)
    for sign, beyond in ((1, 1e6), (-1, 1e6)):
        padded = F.pad(sign * floats, [distance] * 4, value=beyond)
        rows = F.max_pool2d(padded, (2 * distance + 1, 1), 1)
        found |= F.max_pool2d(rows, (1, 2 * distance + 1), 1) != sign * floats
    return found[0, 0]
