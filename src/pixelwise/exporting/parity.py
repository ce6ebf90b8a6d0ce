"""Parity certificate of an export: its scores and times on a split, compared with those of the run."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pixelwise.core.errors import RunError
from pixelwise.core.machine import describe_machine
from pixelwise.core.progress import track
from pixelwise.core.spec import Spec
from pixelwise.data import SegmentationDataset
from pixelwise.metrics import confusion
from pixelwise.metrics.scores import finite

Segment = Callable[[UInt8[np.ndarray, "H W 3"]], UInt8[np.ndarray, "H W"]]
"""Function from an RGB image to its class ids."""

MAX_CHANGED_PIXELS = {"fp32": 0.001, "int8": 0.05}
"""Precision -> maximum share of pixels whose class differs from that of the run."""
MAX_LOST_MEAN_IOU = {"fp32": 0.001, "int8": 0.02}
"""Precision -> maximum decrease of the mean IoU."""


class Certificate(Spec):
    """Scores, times and sizes of an export and of its run.

    Attributes:
        to: Format of the export.
        precision: Precision of its convolutions.
        split: Name of the split.
        images: Number of images.
        mean_iou: Mean IoU of the run, by torch in fp32.
        mean_iou_exported: Mean IoU of the export.
        changed_pixels: Share of pixels whose class differs, 0..1.
        milliseconds: Median time per image of the run, by torch in fp32.
        milliseconds_exported: Median time per image of the export.
        machine: Machine that the times were measured on.
        bytes_run: Size of the run's weights.
        bytes_exported: Size of the export's files.
        bound_changed_pixels: Maximum allowed share of changed pixels.
        bound_lost_mean_iou: Maximum allowed decrease of the mean IoU.
    """

    to: str
    precision: str
    split: str
    images: int
    mean_iou: float | None
    mean_iou_exported: float | None
    changed_pixels: float
    milliseconds: float
    milliseconds_exported: float
    machine: str
    bytes_run: int
    bytes_exported: int
    bound_changed_pixels: float
    bound_lost_mean_iou: float

    def check(self) -> None:
        """Checks the bounds.

        Raises:
            RunError: A bound is exceeded.
        """
        lost = (self.mean_iou or 0) - (self.mean_iou_exported or 0)
        if self.changed_pixels > self.bound_changed_pixels or lost > self.bound_lost_mean_iou:
            raise RunError(
                f"the export to {self.to} ({self.precision}) differs too much from the run: it changes"
                f" {self.changed_pixels:.3%} of the pixels of {self.split} (allowed: {self.bound_changed_pixels:.1%})"
                f" and loses {lost:.4f} of mean IoU (allowed: {self.bound_lost_mean_iou:.3f}). Nothing was written;"
                " choose another format or precision."
            )


def certify(
    run: Segment,
    export: Segment,
    dataset: SegmentationDataset,
    *,
    to: str,
    precision: str,
    split: str,
    weights: Path,
    files: Sequence[Path],
) -> Certificate:
    """Predicts a split with a run and with its export, and compares the two.

    Args:
        run: Predictor of the run.
        export: Predictor of the export.
        dataset: The split.
        to: Format of the export.
        precision: Precision of the export.
        split: Name of the split.
        weights: Weights file of the run.
        files: Files of the export.

    Raises:
        DataError: A file of the split cannot be used.
    """
    classes = dataset.label_space.num_classes
    matrix_run, matrix_export = np.zeros((2, classes, classes), np.int64)
    changed, pixels = 0, 0
    seconds: list[tuple[float, float]] = []
    for index in track(range(len(dataset)), "comparing"):
        sample = dataset[index]
        image = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy())
        times = [time.perf_counter()]
        by_run = run(image)
        times.append(time.perf_counter())
        by_export = export(image)
        times.append(time.perf_counter())
        seconds.append((times[1] - times[0], times[2] - times[1]))
        labels = sample.labels.numpy()
        matrix_run += _count(labels, by_run, classes)
        matrix_export += _count(labels, by_export, classes)
        changed += int((by_run != by_export).sum())
        pixels += by_run.size
    ms_run, ms_export = 1000 * np.median(np.array(seconds), axis=0)
    return Certificate(
        to=to,
        precision=precision,
        split=split,
        images=len(dataset),
        mean_iou=finite(confusion.mean_iou(matrix_run)),
        mean_iou_exported=finite(confusion.mean_iou(matrix_export)),
        changed_pixels=changed / max(1, pixels),
        milliseconds=float(ms_run),
        milliseconds_exported=float(ms_export),
        machine=_machine(),
        bytes_run=weights.stat().st_size,
        bytes_exported=sum(file.stat().st_size for file in files),
        bound_changed_pixels=MAX_CHANGED_PIXELS[precision],
        bound_lost_mean_iou=MAX_LOST_MEAN_IOU[precision],
    )


def _machine() -> str:
    """Processor, cores, version of torch and number of its threads, in words."""
    import torch

    facts, threads = describe_machine(), torch.get_num_threads()
    words = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{facts['processor']}, {facts['cores']} cores, torch {facts['torch']} on {words}"


def _count(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    import torch

    matrix: np.ndarray = confusion.count(torch.from_numpy(labels), torch.from_numpy(predicted), classes).numpy()
    return matrix
