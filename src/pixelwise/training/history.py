"""The record of a validation, and its line in the log."""

import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from pixelwise.core.label_space import LabelSpace
from pixelwise.evaluation.evaluate import SplitCounts
from pixelwise.experiment import Fit
from pixelwise.metrics.scores import EpochRecord, finite, scores


class TrainCounts(NamedTuple):
    """Counts over the training batches between two validations.

    Attributes:
        loss: Mean over valid pixels, each with the weights of its step.
        matrix: Confusion matrix of the same augmented images.
        seconds: Wall time.
        images: Number of images.
    """

    loss: float
    matrix: Int64[np.ndarray, "K K"]
    seconds: float
    images: int


def epoch_record(
    epoch: int,
    rate: float,
    trained: TrainCounts,
    validated: SplitCounts,
    space: LabelSpace,
    is_best: bool,
    began: float,
    peak: float | None,
) -> EpochRecord:
    """A record of the history. `began` is the reading of `time.perf_counter` after the previous validation."""
    train, val = scores(trained.matrix, space), scores(validated.matrix, space)
    return EpochRecord(
        epoch=epoch,
        lr=rate,
        train_loss=finite(trained.loss),
        train_mean_iou=train["mean_iou"],
        train_pixel_accuracy=train["pixel_accuracy"],
        val_loss=finite(validated.loss),
        val_mean_iou=val["mean_iou"],
        val_pixel_accuracy=val["pixel_accuracy"],
        val_iou=val["iou"],
        best=is_best,
        seconds=round(time.perf_counter() - began, 3),
        images_per_second=round(trained.images / trained.seconds, 3),
        images=trained.images,
        peak_mib=peak and round(peak),
    )


def epoch_title(fit: Fit, epoch: int) -> str:
    """An epoch and, where it is known, the number of epochs."""
    return f"epoch {epoch:>{len(str(fit.epochs))}}/{fit.epochs}" if fit.epochs else f"epoch {epoch}"


def epoch_line(record: EpochRecord, fit: Fit) -> str:
    """The record as a line of the log."""

    def show(value: float | None) -> str:
        return "     –" if value is None else f"{value:.4f}"

    return (
        f"{epoch_title(fit, record.epoch)}  train loss {show(record.train_loss)}"
        f"  val loss {show(record.val_loss)}  val mean IoU {show(record.val_mean_iou)}"
        f"  val accuracy {show(record.val_pixel_accuracy)}  {record.images_per_second:.1f} img/s"
        f"{'  best' if record.best else ''}"
    )
