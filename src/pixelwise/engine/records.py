"""A finished epoch as a record and as a line for a person."""

import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from pixelwise.core.labels import LabelSpace
from pixelwise.engine.evaluate import Judgement, finite, scores
from pixelwise.experiment import Fit
from pixelwise.scores import EpochRecord


class Trained(NamedTuple):
    """What one pass over the training split gave.

    Attributes:
        loss: Mean over valid pixels, taken while the weights moved.
        matrix: Confusion matrix of the same, augmented, images.
        seconds: Wall time.
        images: How many.
    """

    loss: float
    matrix: Int64[np.ndarray, "K K"]
    seconds: float
    images: int


def epoch_record(
    epoch: int,
    rate: float,
    trained: Trained,
    judged: Judgement,
    space: LabelSpace,
    is_best: bool,
    began: float,
    peak: float | None,
) -> EpochRecord:
    """The epoch's line of the history. `began` is the reading of `time.perf_counter` at its start."""
    learnt, val = scores(trained.matrix, space), scores(judged.matrix, space)
    return EpochRecord(
        epoch=epoch,
        lr=rate,
        train_loss=finite(trained.loss),
        train_mean_iou=learnt["mean_iou"],
        train_pixel_accuracy=learnt["pixel_accuracy"],
        val_loss=finite(judged.loss),
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
    """An epoch and, where that is known, of how many."""
    return f"epoch {epoch}" if fit.minutes else f"epoch {epoch:>{len(str(fit.epochs))}}/{fit.epochs}"


def epoch_line(record: EpochRecord, fit: Fit) -> str:
    """The epoch in a line."""

    def show(value: float | None) -> str:
        return "     –" if value is None else f"{value:.4f}"

    return (
        f"{epoch_title(fit, record.epoch)}  train loss {show(record.train_loss)}"
        f"  val loss {show(record.val_loss)}  val mean IoU {show(record.val_mean_iou)}"
        f"  val accuracy {show(record.val_pixel_accuracy)}  {record.images_per_second:.1f} img/s"
        f"{'  best' if record.best else ''}"
    )
