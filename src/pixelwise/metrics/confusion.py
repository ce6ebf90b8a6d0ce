"""The confusion matrix, and every score as a pure function of it.

Rows are the true class, columns the predicted one; entries are pixels, int64, summed over a whole split. Scores are
0..1. A score that is undefined (an empty union, no pixel) is NaN, and means leave NaN out.
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

TURNS = 8
"""Tables that are counted into in turn."""
PART = 2**16
"""Pixels that are counted at a time: what is computed of them stays in the processor's cache."""


def predicted(logits: Float[Tensor, "*B K H W"]) -> Int64[Tensor, "*B H W"]:
    """The class of each pixel: the largest logit's, the first's of equal ones.

    `argmax` finds the same classes, in three times the time where a processor looks along planes.
    """
    return logits.max(-3).indices


def count(labels: ClassIds, predicted: ClassIds, num_classes: int) -> Int64[Tensor, "K K"]:
    """Confusion matrix of an image or a batch.

    Args:
        labels: True class ids; IGNORE pixels are not counted.
        predicted: Predicted class ids, 0..K-1 wherever the label is valid.
        num_classes: K.
    """
    rows = IGNORE + 1  # IGNORE is a row like the others and dropped at the end: no pixel is looked for or copied
    labels, predicted = labels.flatten(), predicted.flatten()
    if labels.device.type == "cpu":
        # Neighbors are mostly of one pair, and to count it twice in a row is to wait for the first count to be stored:
        # pixels go to several tables in turn.
        tables = torch.arange(TURNS, dtype=torch.int32).mul_(rows * num_classes).repeat(PART // TURNS)
        counts = torch.zeros(TURNS * rows * num_classes, dtype=torch.int64)
        for true, said in zip(torch.split(labels, PART), torch.split(predicted, PART), strict=True):
            pairs = true.int().mul_(num_classes).add_(said.int()).add_(tables[: len(true)])
            counts += torch.bincount(pairs, minlength=len(counts))
        counts = counts.view(TURNS, -1).sum(0)
    else:  # `bincount` would wait for the device, to learn the largest pair
        pairs = labels.int() * num_classes + predicted.int()
        counts = torch.zeros(rows * num_classes, dtype=torch.int64, device=labels.device)
        counts.index_add_(0, pairs, counts.new_ones(()).expand(len(pairs)))
    return counts.view(rows, num_classes)[:num_classes].clone()


def iou(matrix: Matrix, ignored: Sequence[int] = ()) -> PerClass:
    """TP / (TP + FP + FN) of each class. Predicted but never true counts 0; neither is NaN.

    Args:
        matrix: Confusion matrix.
        ignored: Classes that are not evaluated, by the rule of Cityscapes' official evaluation: their true pixels do not
            count and their own IoU is NaN, but a pixel of another class that is called one of them is missed (FN).
    """
    each: PerClass = group_iou(matrix, [[i] for i in range(len(matrix))], ignored)
    return each


def group_iou(matrix: Matrix, groups: Sequence[Sequence[int]], ignored: Sequence[int] = ()) -> PerGroup:
    """IoU of groups of classes, each group taken as one class: confusing two of its members is no error.

    Args:
        matrix: Confusion matrix.
        groups: Class ids of each group.
        ignored: See `iou`; such classes belong to no group, whatever `groups` says.
    """
    evaluated = matrix.copy()
    evaluated[list(ignored)] = 0
    members = [[i for i in group if i not in set(ignored)] for group in groups]
    hit = np.array([evaluated[np.ix_(group, group)].sum() for group in members])
    true = np.array([evaluated[group].sum() for group in members])
    predicted = np.array([evaluated[:, group].sum() for group in members])
    return _ratio(hit, true + predicted - hit)


def mean_iou(matrix: Matrix) -> float:
    """Mean IoU over the classes whose union is not empty."""
    return _mean(iou(matrix))


def classes_in_mean(matrix: Matrix) -> int:
    """How many classes enter `mean_iou`."""
    return int(np.isfinite(iou(matrix)).sum())


def pixel_accuracy(matrix: Matrix) -> float:
    """Share of the valid pixels that are right."""
    pixels = matrix.sum()
    return float(np.trace(matrix) / pixels) if pixels else float("nan")


def mean_accuracy(matrix: Matrix) -> float:
    """Mean over the true classes of the share of their pixels that are right."""
    return _mean(_ratio(np.diag(matrix), matrix.sum(1)))


def frequency_weighted_iou(matrix: Matrix) -> float:
    """IoU of each true class weighted by its share of the valid pixels."""
    pixels = matrix.sum()
    return float(np.nansum(matrix.sum(1) / pixels * iou(matrix))) if pixels else float("nan")


def constant_predictor(matrix: Matrix, class_id: int) -> Matrix:
    """The matrix of a predictor that calls every pixel `class_id`, on the same labels."""
    constant = np.zeros_like(matrix)
    constant[:, class_id] = matrix.sum(1)
    return constant


def _ratio(part: Int64[np.ndarray, " K"], whole: Int64[np.ndarray, " K"]) -> PerClass:
    """Part by whole, NaN where the whole is 0."""
    with np.errstate(invalid="ignore"):
        ratio: PerClass = part / whole
    return ratio


def _mean(values: PerClass) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
