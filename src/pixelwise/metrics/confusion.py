"""Confusion matrix, and scores as pure functions of it.

Rows are the true classes, columns the predicted ones. Entries are numbers of pixels (int64), summed over a split.
Scores are 0..1. An undefined score (an empty union, no pixels) is NaN, and means leave it out.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from pixelwise.core.label_space import IGNORE

Matrix = Int64[np.ndarray, "K K"]
ClassIds = Integer[Tensor, "*shape"]
PerClass = Float[np.ndarray, " K"]
PerGroup = Float[np.ndarray, " G"]

TABLES = 8
"""Number of tables that successive pixels are counted into in turn."""
CHUNK = 2**16
"""Number of pixels that are counted at a time, so that the intermediate results stay in the cache of the CPU."""


def predicted(logits: Float[Tensor, "*B K H W"]) -> Int64[Tensor, "*B H W"]:
    """Returns the class with the largest logit of each pixel; the first one among equal logits.

    `argmax` returns the same classes but takes three times as long on a CPU.
    """
    return logits.max(-3).indices


def count(labels: ClassIds, predicted: ClassIds, num_classes: int) -> Int64[Tensor, "K K"]:
    """Computes the confusion matrix of an image or a batch.

    Args:
        labels: True class ids. Pixels with IGNORE are not counted.
        predicted: Predicted class ids, 0..K-1 where the label is valid.
        num_classes: K.
    """
    rows = IGNORE + 1  # IGNORE is counted in a row of its own, which is dropped: no pixel has to be selected or copied
    labels, predicted = labels.flatten(), predicted.flatten()
    if labels.device.type == "cpu":
        # Neighboring pixels mostly have the same pair of classes. Counting it twice in a row would wait for the first
        # count to be stored, so successive pixels are counted in different tables.
        tables = torch.arange(TABLES, dtype=torch.int32).mul_(rows * num_classes).repeat(CHUNK // TABLES)
        counts = torch.zeros(TABLES * rows * num_classes, dtype=torch.int64)
        for true, found in zip(torch.split(labels, CHUNK), torch.split(predicted, CHUNK), strict=True):
            pairs = true.int().mul_(num_classes).add_(found.int()).add_(tables[: len(true)])
            counts += torch.bincount(pairs, minlength=len(counts))
        counts = counts.view(TABLES, -1).sum(0)
    else:  # `bincount` would wait for the device to determine the largest pair
        pairs = labels.int() * num_classes + predicted.int()
        counts = torch.zeros(rows * num_classes, dtype=torch.int64, device=labels.device)
        counts.index_add_(0, pairs, counts.new_ones(()).expand(len(pairs)))
    return counts.view(rows, num_classes)[:num_classes].clone()


def iou(matrix: Matrix, ignored: Sequence[int] = ()) -> PerClass:
    """Returns the IoU of each class, TP / (TP + FP + FN).

    A class that is predicted but never true has an IoU of 0. A class that is neither has the IoU NaN.

    Args:
        matrix: Confusion matrix.
        ignored: Classes that are not evaluated, as in the official evaluation of Cityscapes: their true pixels do not
            count and their IoU is NaN, but pixels of other classes that are predicted as one of them are errors (FN).
    """
    each: PerClass = group_iou(matrix, [[i] for i in range(len(matrix))], ignored)
    return each


def group_iou(matrix: Matrix, groups: Sequence[Sequence[int]], ignored: Sequence[int] = ()) -> PerGroup:
    """Returns the IoU of groups of classes. Confusion within a group is not an error.

    Args:
        matrix: Confusion matrix.
        groups: Class ids of each group.
        ignored: See `iou`. These classes are removed from their groups.
    """
    evaluated = matrix.copy()
    evaluated[list(ignored)] = 0
    members = [[i for i in group if i not in set(ignored)] for group in groups]
    intersection = np.array([evaluated[np.ix_(group, group)].sum() for group in members])
    true = np.array([evaluated[group].sum() for group in members])
    predicted = np.array([evaluated[:, group].sum() for group in members])
    return _ratio(intersection, true + predicted - intersection)


def mean_iou(matrix: Matrix) -> float:
    """Returns the mean IoU over the classes that occur in the labels or in the predictions."""
    return _mean(iou(matrix))


def classes_in_mean(matrix: Matrix) -> int:
    """Returns the number of classes in `mean_iou`."""
    return int(np.isfinite(iou(matrix)).sum())


def pixel_accuracy(matrix: Matrix) -> float:
    """Returns the share of correctly predicted pixels among the valid pixels."""
    pixels = matrix.sum()
    return float(np.trace(matrix) / pixels) if pixels else float("nan")


def mean_accuracy(matrix: Matrix) -> float:
    """Returns the mean over the true classes of the share of their pixels that are predicted correctly."""
    return _mean(_ratio(np.diag(matrix), matrix.sum(1)))


def frequency_weighted_iou(matrix: Matrix) -> float:
    """Returns the mean IoU of the true classes, weighted by their share of the valid pixels."""
    pixels = matrix.sum()
    return float(np.nansum(matrix.sum(1) / pixels * iou(matrix))) if pixels else float("nan")


def constant_predictor(matrix: Matrix, class_id: int) -> Matrix:
    """Returns the confusion matrix of a constant prediction on the same labels.

    Args:
        matrix: Confusion matrix; only the number of true pixels of each class matters.
        class_id: The constant prediction.
    """
    constant = np.zeros_like(matrix)
    constant[:, class_id] = matrix.sum(1)
    return constant


def _ratio(part: Int64[np.ndarray, " K"], whole: Int64[np.ndarray, " K"]) -> PerClass:
    """Divides; NaN where `whole` is 0."""
    with np.errstate(invalid="ignore"):
        ratio: PerClass = part / whole
    return ratio


def _mean(values: PerClass) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
