"""Boundary IoU: IoU of the boundary regions, which is sensitive to errors along the edges of large objects.

Paper: Cheng, Girshick, Dollár, Berg, Kirillov, "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation",
CVPR 2021.

Departures: the paper scores each object; here the counts of a class are summed over a split, as for IoU. Void pixels
count neither as true nor as predicted.
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
"""Width of the boundary as a fraction of the diagonal of the image, as in the paper."""


class BoundaryCounts(NamedTuple):
    """Boundary pixels of each class. Counts add up over images.

    Attributes:
        intersection: Pixels in the true and in the predicted boundary.
        union: Pixels in the true or in the predicted boundary.
    """

    intersection: Int64[Tensor, " K"]
    union: Int64[Tensor, " K"]


def count_boundaries(labels: ImageLabels, predicted: ImageLabels, num_classes: int) -> BoundaryCounts:
    """Counts the boundary pixels of an image.

    Args:
        labels: True class ids, 0..K-1 or IGNORE.
        predicted: Predicted class ids, 0..K-1.
        num_classes: K.
    """
    valid = labels != IGNORE
    distance = max(1, round(WIDTH * math.hypot(*labels.shape)))
    predicted = torch.where(valid, predicted, IGNORE)  # so that a prediction for void changes no boundary beside it
    true, found = (near_others(ids, distance) & valid for ids in (labels, predicted))

    def count(ids: ImageLabels, where: Bool[Tensor, "H W"]) -> Int64[Tensor, " K"]:
        return torch.bincount(ids[where].long(), minlength=num_classes)

    both = count(labels, true & found & (labels == predicted))
    return BoundaryCounts(both, count(labels, true) + count(predicted, found) - both)


def near_others(ids: ImageLabels, distance: int) -> Bool[Tensor, "H W"]:
    """Marks the pixels within a chessboard distance of a pixel with another id, or of the edge of the image.

    One pass covers all classes: these are the pixels whose id differs from the largest or the smallest id around them.
    """
    floats = ids.float()[None, None]
    near = torch.zeros_like(floats, dtype=torch.bool)
    for sign, beyond in ((1, 1e6), (-1, 1e6)):
        padded = F.pad(sign * floats, [distance] * 4, value=beyond)
        rows = F.max_pool2d(padded, (2 * distance + 1, 1), 1)
        near |= F.max_pool2d(rows, (1, 2 * distance + 1), 1) != sign * floats
    return near[0, 0]
