"""Schemas of scores, and functions that compute them from a confusion matrix. Scores are 0..1; None is undefined."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from pixelwise.core.label_space import LabelSpace
from pixelwise.core.spec import Spec
from pixelwise.metrics import bootstrap, confusion


class EpochRecord(Spec):
    """Line of history.jsonl, written after each validation. Losses are means over valid pixels.

    Attributes:
        epoch: Number of passes over the training images so far.
        lr: Learning rate at the first step after the previous validation; `one_cycle` changes it with every step.
        train_loss: Mean over the batches since the previous validation, each with the weights of its step.
        train_mean_iou: Mean IoU on the same augmented batches.
        train_pixel_accuracy: Pixel accuracy on the same augmented batches.
        val_loss: Loss on the validation split, at the original size of the images.
        val_mean_iou: Mean IoU on the validation split, at the original size of the images.
        val_pixel_accuracy: Pixel accuracy on the validation split, at the original size of the images.
        val_iou: Class name -> IoU on the validation split.
        best: Whether this epoch is the best so far.
        seconds: Wall time in seconds since the previous validation, including this validation.
        images_per_second: Training images per second of training time, without validation.
        images: Number of training images since the previous validation, fewer at the end of a time budget. None in old
            runs.
        peak_mib: Peak memory so far in MiB, of the GPU if one is used, else of the process. None in old runs, and if
            the system does not report it.
    """

    epoch: int
    lr: float
    train_loss: float | None
    train_mean_iou: float | None
    train_pixel_accuracy: float | None
    val_loss: float | None
    val_mean_iou: float | None
    val_pixel_accuracy: float | None
    val_iou: dict[str, float | None]
    best: bool
    seconds: float
    images_per_second: float
    images: int | None = None
    peak_mib: int | None = None

    @property
    def validation_seconds(self) -> float:
        """Wall time without training, in seconds; all of it if the number of images is unknown."""
        return self.seconds - (self.images or 0) / self.images_per_second


class Scores(Spec):
    """Scores of predictions on a split.

    Attributes:
        mean_iou: Mean IoU over the classes that occur in the labels or in the predictions.
        classes_in_mean: Number of these classes.
        pixel_accuracy: Share of correctly predicted pixels.
        mean_accuracy: Mean over the true classes of the share of their pixels that are predicted correctly.
        frequency_weighted_iou: Mean IoU of the true classes, weighted by their share of the pixels.
        iou: Class name -> IoU.
    """

    mean_iou: float | None
    classes_in_mean: int
    pixel_accuracy: float | None
    mean_accuracy: float | None
    frequency_weighted_iou: float | None
    iou: dict[str, float | None]


class MeanIou(Spec):
    """Mean IoU and the values that it is the mean of.

    Attributes:
        mean_iou: Mean over the defined values.
        classes_in_mean: Number of defined values.
        iou: Name -> IoU.
    """

    mean_iou: float | None
    classes_in_mean: int
    iou: dict[str, float | None]


class MajorityBaseline(Scores):
    """Scores of the constant prediction of the most frequent class of the training split.

    Attributes:
        predicts: Name of the class.
    """

    predicts: str


class SplitResult(Scores):
    """Scores of a run's best checkpoint on one split.

    Attributes:
        split: Name of the split.
        images: Number of images.
        published_images: Number of images of the split as published, None without a published size. Scores of a
            subset are not comparable with published ones.
        epoch: Epoch of the evaluated weights.
        loss: Mean loss over valid pixels.
        majority_baseline: Scores of the constant prediction of the most frequent class.
        confusion_matrix: Numbers of pixels; rows are the true classes, columns the predicted ones.
        official: Mean IoU of the official evaluation of the data set, if it ignores learned classes.
        groups: Grouping -> IoU of its groups of classes, if the data set defines any.
        inference: Test-time augmentation and sliding windows, such as `flip, scales 0.75 1`; empty for plain
            predictions.
        mean_iou_ci95: 95% confidence interval of the mean IoU by bootstrap over images; None in old results and for a
            single image.
    """

    split: str
    images: int
    published_images: int | None
    epoch: int
    loss: float | None
    majority_baseline: MajorityBaseline
    confusion_matrix: tuple[tuple[int, ...], ...]
    official: MeanIou | None = None
    groups: dict[str, MeanIou] = {}
    inference: str = ""
    mean_iou_ci95: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The split and the inference options, if any: unique among the results of a run."""
        return f"{self.split}, {self.inference}" if self.inference else self.split

    @property
    def size(self) -> str:
        """Number of images, as text that mentions a subset."""
        subset = self.published_images is not None and self.images < self.published_images
        return f"subset of {self.images} of {self.published_images} images" if subset else f"{self.images} images"

    @property
    def title(self) -> str:
        """Split, number of images, epoch and inference options, as text."""
        return f"{self.split} split, {self.size}, epoch {self.epoch}{self.inference and f'; {self.inference}'}"


def finite(value: float) -> float | None:
    """Returns the value, or None if it is not finite: JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def scores(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> dict[str, Any]:
    """Computes the fields of `Scores` from a confusion matrix."""
    values = {
        "mean_iou": finite(confusion.mean_iou(matrix)),
        "classes_in_mean": confusion.classes_in_mean(matrix),
        "pixel_accuracy": finite(confusion.pixel_accuracy(matrix)),
        "mean_accuracy": finite(confusion.mean_accuracy(matrix)),
        "frequency_weighted_iou": finite(confusion.frequency_weighted_iou(matrix)),
        "iou": {name: finite(v) for name, v in zip(space.names, confusion.iou(matrix), strict=True)},
    }
    return Scores.model_validate(values).model_dump()


def majority_baseline(
    matrix: Int64[np.ndarray, "K K"], pixel_counts: Sequence[int], space: LabelSpace
) -> MajorityBaseline:
    """Computes the scores of the constant prediction of the most frequent class.

    Args:
        matrix: Confusion matrix of a split; only the number of true pixels of each class matters.
        pixel_counts: Number of pixels of each class in the training split.
        space: Classes of the data set.
    """
    most_frequent = int(np.argmax(pixel_counts))
    values = scores(confusion.constant_predictor(matrix, most_frequent), space)
    return MajorityBaseline(predicts=space.names[most_frequent], **values)


def mean_iou_ci95(matrices: Int64[np.ndarray, "N K K"]) -> tuple[float, float] | None:
    """Returns the 95% confidence interval of the mean IoU by bootstrap over images; None if it is undefined."""
    ends = bootstrap.mean_iou_interval(matrices) if len(matrices) > 1 else (math.nan, math.nan)
    return ends if all(map(math.isfinite, ends)) else None


def official(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> MeanIou | None:
    """Returns the mean IoU of the official evaluation of the data set; None if it ignores no learned class."""
    if not space.ignored_in_evaluation:
        return None
    values = zip(space.names, confusion.iou(matrix, _ignored(space)), strict=True)
    return _mean_iou({name: value for name, value in values if name not in space.ignored_in_evaluation})


def groups(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> dict[str, MeanIou]:
    """Returns the IoU of the groups of classes of each grouping."""
    results = {}
    for grouping, members_of in space.groups.items():
        members = [[space.class_id(name) for name in names] for names in members_of.values()]
        values = confusion.group_iou(matrix, members, _ignored(space))
        results[grouping] = _mean_iou(dict(zip(members_of, values, strict=True)))
    return results


def _ignored(space: LabelSpace) -> list[int]:
    return [space.class_id(name) for name in space.ignored_in_evaluation]


def _mean_iou(values: dict[str, float]) -> MeanIou:
    defined = [value for value in values.values() if np.isfinite(value)]
    return MeanIou(
        mean_iou=float(np.mean(defined)) if defined else None,
        classes_in_mean=len(defined),
        iou={name: finite(value) for name, value in values.items()},
    )
