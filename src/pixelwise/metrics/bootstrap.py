"""Bootstrap confidence intervals of scores and of differences between scores.

The images of the split are resampled. Two groups of runs are compared on the same resampled images, so that the
difficulty of the images cancels. The variation between seeds widens the interval.

Paper: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile intervals).

Departures: seeds are not resampled, because there are too few of them (with two seeds, half of the resamples would have
no variation). Their standard deviation is pooled over the groups and enters as Student's t, as in a comparison of
means.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int64

Matrices = Int64[np.ndarray, "_ N K K"]
"""Confusion matrices of N images, for runs that differ only in their seed."""
Verdict = Literal["better", "worse", "cannot tell"]

LEVEL = 0.95
RESAMPLES = 2000


class Difference(NamedTuple):
    """Difference of a score between two groups of runs, second minus first.

    Attributes:
        value: Difference on the split.
        low: Lower end of the 95% confidence interval.
        high: Upper end of the 95% confidence interval.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Whether the second group is better or worse than the first; "cannot tell" if the interval contains 0."""
        if not np.isfinite([self.low, self.high]).all() or self.low <= 0 <= self.high:
            return "cannot tell"
        return "better" if self.low > 0 else "worse"


class Differences(NamedTuple):
    """Differences of all scores between two groups of runs.

    Attributes:
        mean_iou: Difference of the mean IoU.
        pixel_accuracy: Difference of the pixel accuracy.
        mean_accuracy: Difference of the mean accuracy.
        frequency_weighted_iou: Difference of the frequency-weighted IoU.
        iou: Difference of the IoU of each class, by class id.
    """

    mean_iou: Difference
    pixel_accuracy: Difference
    mean_accuracy: Difference
    frequency_weighted_iou: Difference
    iou: list[Difference]


class SeedVariation(NamedTuple):
    """Variation of scores between seeds.

    Attributes:
        deviation: Standard deviation of each score between seeds, pooled over groups of runs.
        freedom: Degrees of freedom of the standard deviation; 0 if every group has one run.
    """

    deviation: Float[np.ndarray, " scores"]
    freedom: int


def seed_variation(groups: Sequence[Matrices]) -> SeedVariation:
    """Estimates the variation of scores between seeds, which is assumed to be the same in every group.

    Args:
        groups: Groups of runs that differ only in their seed.
    """
    scores_of_groups = [_scores(group.sum(1).astype(np.float64)) for group in groups]
    squares = sum(np.nansum((scores - _mean(scores, 0)) ** 2, 0) for scores in scores_of_groups)
    freedom = sum(len(group) - 1 for group in groups)
    return SeedVariation(np.sqrt(squares / max(1, freedom)), freedom)


def compare(
    first: Matrices,
    second: Matrices,
    variation: SeedVariation | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Differences:
    """Computes the differences between two groups of runs on the same images, with confidence intervals.

    The score of a group is the mean of the scores of its runs. Each resample draws N of the N images with replacement
    and adds a random effect of the seeds to the difference.

    Args:
        first: The runs of the reference.
        second: The runs that are compared with it.
        variation: Variation between seeds; None estimates it from the two groups. If it has no degrees of freedom, the
            interval reflects the choice of images only: it applies to these weights, not to other seeds.
        seed: Seed of the resampling.
        resamples: Number of resamples.
    """
    rng = np.random.default_rng(seed)
    images = first.shape[1]
    drawn = _resample(images, resamples, rng)
    values = _mean_scores(second, np.ones((1, images)))[0] - _mean_scores(first, np.ones((1, images)))[0]
    differences = _mean_scores(second, drawn) - _mean_scores(first, drawn)
    variation = variation or seed_variation([first, second])
    if variation.freedom:
        scale = variation.deviation * np.sqrt(1 / len(first) + 1 / len(second))
        differences += rng.standard_t(variation.freedom, (resamples, 1)) * scale
        differences = differences.clip(-1, 1)  # the range of a difference of scores
    intervals = zip(values, *_interval(differences), strict=True)
    mean_iou, accuracy, mean_accuracy, weighted, *iou = [
        Difference(float(value), float(low), float(high)) for value, low, high in intervals
    ]
    return Differences(mean_iou, accuracy, mean_accuracy, weighted, iou)


def mean_iou_interval(
    matrices: Int64[np.ndarray, "N K K"], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Returns the 95% confidence interval of the mean IoU of a run.

    The interval reflects the choice of images, not the random seed of the training. It assumes independent images and
    is too narrow for frames of one video.

    Args:
        matrices: Confusion matrix of each image, at least one.
        seed: Seed of the resampling.
        resamples: Number of resamples. Each draws N of the N images with replacement.

    Returns:
        The lower and the upper end; NaN if no class occurs.
    """
    drawn = _resample(len(matrices), resamples, np.random.default_rng(seed))
    low, high = _interval(_mean_scores(matrices[None], drawn)[:, :1]).flatten()
    return float(low), float(high)


def _resample(images: int, resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "R N"]:
    """Returns the number of times that each image is in each resample."""
    return rng.multinomial(images, np.full(images, 1 / images), resamples).astype(np.float64)


def _interval(values: Float[np.ndarray, "R scores"]) -> Float[np.ndarray, "2 scores"]:
    """Returns the percentile interval of each score; NaN for a score that is undefined in every resample."""
    tail = 100 * (1 - LEVEL) / 2
    ends = np.full((2, values.shape[1]), np.nan)
    known = np.isfinite(values).any(0)
    ends[:, known] = np.nanpercentile(values[:, known], [tail, 100 - tail], axis=0)
    return ends


def _mean_scores(group: Matrices, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R scores"]:
    """Returns all scores of each resample, averaged over the runs of a group."""
    _, images, classes, _ = group.shape
    runs = [
        _scores((weights @ run.reshape(images, -1)).reshape(-1, classes, classes)) for run in group.astype(np.float64)
    ]
    return _mean(np.stack(runs), 0)


def _scores(matrices: Float[np.ndarray, "R K K"]) -> Float[np.ndarray, "R scores"]:
    """Returns the scores of each confusion matrix in the order of the fields of `Differences`."""
    correct, true = np.diagonal(matrices, axis1=1, axis2=2), matrices.sum(2)
    union = matrices.sum(1) + true - correct
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = np.where(union > 0, correct / union, np.nan)
        class_accuracy = np.where(true > 0, correct / true, np.nan)
        share = true / true.sum(1, keepdims=True)
        accuracy = correct.sum(1) / true.sum(1)
    weighted = np.where(np.isfinite(accuracy), np.nansum(share * iou, 1), np.nan)
    return np.column_stack([_mean(iou, 1), accuracy, _mean(class_accuracy, 1), weighted, iou])


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Returns the mean over the finite values; NaN if there are none."""
    known = np.isfinite(values)
    number = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    mean: np.ndarray = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean
