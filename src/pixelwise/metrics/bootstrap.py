"""Whether a difference is more than chance: intervals by drawing images, and seeds, again.

Paper: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile intervals); both runs see the same drawn
images, so that hard images do not blur their difference.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int64

Matrices = Int64[np.ndarray, "_ N K K"]
"""Confusion matrices of N images by runs that differ in nothing but their seed."""
Verdict = Literal["better", "worse", "cannot tell"]

LEVEL = 0.95
RESAMPLES = 2000


class Difference(NamedTuple):
    """Of two groups of runs in one score, second minus first.

    Attributes:
        value: On the images as they are.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """What can be said of the second: its score differs beyond chance, or it cannot be told."""
        if not np.isfinite([self.low, self.high]).all() or self.low <= 0 <= self.high:
            return "cannot tell"
        return "better" if self.low > 0 else "worse"


class Differences(NamedTuple):
    """Of two groups of runs.

    Attributes:
        mean_iou: Of the mean IoU.
        pixel_accuracy: Of the pixel accuracy.
        iou: Of each class's IoU, by class id.
    """

    mean_iou: Difference
    pixel_accuracy: Difference
    iou: list[Difference]


def compare(first: Matrices, second: Matrices, seed: int = 0, resamples: int = RESAMPLES) -> Differences:
    """Differences of two groups of runs on the same images, with their intervals.

    A group's score is the mean of its runs' scores. Each resample draws N of the N images, and of each group S of its S
    runs: with one run in a group, nothing is known of what another seed would have done.

    Args:
        first: The runs that are compared with.
        second: The runs that are compared.
        seed: Of the drawing.
        resamples: How often is drawn.
    """
    chance = np.random.default_rng(seed)
    images = first.shape[1]
    drawn = chance.multinomial(images, np.full(images, 1 / images), resamples).astype(np.float64)
    ones = np.ones((1, images))
    tables = []
    for weights, redraw in ((ones, False), (drawn, True)):
        low, high = (_scores(group, weights, chance if redraw else None) for group in (first, second))
        tables.append(high - low)
    whole, spread = tables
    tail = 100 * (1 - LEVEL) / 2
    ends = np.full((2, spread.shape[1]), np.nan)
    known = np.isfinite(spread).any(0)
    ends[:, known] = np.nanpercentile(spread[:, known], [tail, 100 - tail], axis=0)
    found = [Difference(float(w), float(a), float(b)) for w, a, b in zip(whole[0], *ends, strict=True)]
    return Differences(found[0], found[1], found[2:])


def _scores(
    group: Matrices, weights: Float[np.ndarray, "R N"], chance: np.random.Generator | None
) -> Float[np.ndarray, "R scores"]:
    """Mean IoU, pixel accuracy and IoU of each class, of each drawing of images; the mean over a group's runs."""
    runs, images, classes, _ = group.shape
    of_run = np.stack([_of_matrices(weights @ run.reshape(images, -1), classes) for run in group.astype(np.float64)])
    if chance is None or runs == 1:
        return _mean(of_run, 0)
    picked = chance.integers(runs, size=(runs, len(weights)))
    return _mean(of_run[picked, np.arange(len(weights))], 0)


def _of_matrices(sums: Float[np.ndarray, "R KK"], classes: int) -> Float[np.ndarray, "R scores"]:
    matrices = sums.reshape(-1, classes, classes)
    hit = np.diagonal(matrices, axis1=1, axis2=2)
    union = matrices.sum(1) + matrices.sum(2) - hit
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = np.where(union > 0, hit / union, np.nan)
        accuracy = hit.sum(1) / matrices.sum((1, 2))
    return np.column_stack([_mean(iou, 1), accuracy, iou])


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is defined, NaN where nothing is."""
    known = np.isfinite(values)
    number = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    mean: np.ndarray = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean
