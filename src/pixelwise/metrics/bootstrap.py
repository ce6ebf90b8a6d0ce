"""Whether a difference is more than chance: intervals by drawing images again, widened by what seeds do.

Paper: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile intervals); both runs see the same drawn
images, so that hard images do not blur their difference.

Departures: seeds are too few to be drawn again (of two, half of the drawings would show no spread at all). Their spread
is pooled over the groups and enters as Student's t, as in a comparison of means.
"""

from collections.abc import Sequence
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
        mean_accuracy: Of the mean accuracy.
        frequency_weighted_iou: Of the frequency-weighted IoU.
        iou: Of each class's IoU, by class id.
    """

    mean_iou: Difference
    pixel_accuracy: Difference
    mean_accuracy: Difference
    frequency_weighted_iou: Difference
    iou: list[Difference]


class Seeds(NamedTuple):
    """What is known of how scores differ between seeds.

    Attributes:
        deviation: Standard deviation of each score over seeds, pooled over groups of runs.
        freedom: Of how many differences between seeds that was made; 0 where every group is of one run.
    """

    deviation: Float[np.ndarray, " scores"]
    freedom: int


def seeds(groups: Sequence[Matrices]) -> Seeds:
    """The spread over seeds, taken to be the same in every group, for a few runs each tell too little."""
    runs = [_of_matrices(group.sum(1).astype(np.float64)) for group in groups]
    squares = sum(np.nansum((found - _mean(found, 0)) ** 2, 0) for found in runs)
    freedom = sum(len(group) - 1 for group in groups)
    return Seeds(np.sqrt(squares / max(1, freedom)), freedom)


def compare(
    first: Matrices, second: Matrices, spread: Seeds | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Differences:
    """Differences of two groups of runs on the same images, with their intervals.

    A group's score is the mean of its runs' scores. Each resample draws N of the N images, and adds to the difference
    what the seeds may have done to it.

    Args:
        first: The runs that are compared with.
        second: The runs that are compared.
        spread: Over seeds; None takes that of the two groups. Where nothing is known of it, the interval is over images
            alone: it is about these weights, and not about what another seed would have given.
        seed: Of the drawing.
        resamples: How often is drawn.
    """
    chance = np.random.default_rng(seed)
    images = first.shape[1]
    drawn = _drawn(images, resamples, chance)
    whole = _scores(second, np.ones((1, images)))[0] - _scores(first, np.ones((1, images)))[0]
    shifted = _scores(second, drawn) - _scores(first, drawn)
    spread = spread or seeds([first, second])
    if spread.freedom:
        scale = spread.deviation * np.sqrt(1 / len(first) + 1 / len(second))
        shifted += chance.standard_t(spread.freedom, (resamples, 1)) * scale
        shifted = shifted.clip(-1, 1)  # no two scores differ by more
    found = [Difference(float(w), float(a), float(b)) for w, a, b in zip(whole, *_ends(shifted), strict=True)]
    mean_iou, accuracy, mean_accuracy, weighted, *iou = found
    return Differences(mean_iou, accuracy, mean_accuracy, weighted, iou)


def mean_iou_interval(
    matrices: Int64[np.ndarray, "N K K"], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Ends of the interval of one run's mean IoU: what other images of the same kind might have given it.

    Of these weights, that is, and not of what another seed would have given; and of images that do not depend on each
    other, so that frames of one film make it too narrow.

    Args:
        matrices: One confusion matrix for each image, at least one.
        seed: Of the drawing.
        resamples: How often N of the N images are drawn.

    Returns:
        The lower and the upper end, NaN where no class occurs.
    """
    drawn = _drawn(len(matrices), resamples, np.random.default_rng(seed))
    low, high = _ends(_scores(matrices[None], drawn)[:, :1]).flatten()
    return float(low), float(high)


def _drawn(images: int, resamples: int, chance: np.random.Generator) -> Float[np.ndarray, "R N"]:
    """How often each image is in each drawing."""
    return chance.multinomial(images, np.full(images, 1 / images), resamples).astype(np.float64)


def _ends(values: Float[np.ndarray, "R scores"]) -> Float[np.ndarray, "2 scores"]:
    """The ends between which most drawings lie, NaN for a score that none has."""
    tail = 100 * (1 - LEVEL) / 2
    ends = np.full((2, values.shape[1]), np.nan)
    known = np.isfinite(values).any(0)
    ends[:, known] = np.nanpercentile(values[:, known], [tail, 100 - tail], axis=0)
    return ends


def _scores(group: Matrices, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R scores"]:
    """Every score of each drawing of images; the mean over a group's runs."""
    _, images, classes, _ = group.shape
    runs = [
        _of_matrices((weights @ run.reshape(images, -1)).reshape(-1, classes, classes))
        for run in group.astype(np.float64)
    ]
    return _mean(np.stack(runs), 0)


def _of_matrices(matrices: Float[np.ndarray, "R K K"]) -> Float[np.ndarray, "R scores"]:
    """The scores of `Differences`, in its order."""
    hit, true = np.diagonal(matrices, axis1=1, axis2=2), matrices.sum(2)
    union = matrices.sum(1) + true - hit
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = np.where(union > 0, hit / union, np.nan)
        found = np.where(true > 0, hit / true, np.nan)
        share = true / true.sum(1, keepdims=True)
        accuracy = hit.sum(1) / true.sum(1)
    weighted = np.where(np.isfinite(accuracy), np.nansum(share * iou, 1), np.nan)
    return np.column_stack([_mean(iou, 1), accuracy, _mean(found, 1), weighted, iou])


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is defined, NaN where nothing is."""
    known = np.isfinite(values)
    number = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    mean: np.ndarray = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean
