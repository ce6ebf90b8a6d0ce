"""The certificate of an export: what it makes of the run's own validation split, beside what the run makes of it."""

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
"""An RGB image to its class ids."""

CHANGED, LOST = {"fp32": 0.001, "int8": 0.05}, {"fp32": 0.001, "int8": 0.02}
"""Bounds: of the share of pixels whose class changes, and of the mean IoU that is lost."""


class Certificate(Spec):
    """What an export was measured to do.

    Attributes:
        to: The format.
        precision: Of its convolutions.
        split: Where it was measured.
        images: On how many images.
        mean_iou: Of the run, by torch in fp32.
        mean_iou_exported: Of the export.
        changed_pixels: Share of the pixels that get another class, 0..1.
        milliseconds: Median time of an image, by torch in fp32.
        milliseconds_exported: Median time of an image, by the export.
        machine: What the times are of.
        bytes_run: Of the run's weights.
        bytes_exported: Of the export's files.
        bound_changed_pixels: More than that is refused.
        bound_lost_mean_iou: More than that is refused.
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
            RunError: One is passed.
        """
        lost = (self.mean_iou or 0) - (self.mean_iou_exported or 0)
        if self.changed_pixels > self.bound_changed_pixels or lost > self.bound_lost_mean_iou:
            raise RunError(
                f"the export to {self.to} ({self.precision}) is not the run: it changes {self.changed_pixels:.3%} of"
                f" the pixels of {self.split} (allowed: {self.bound_changed_pixels:.1%}) and loses {lost:.4f} of mean"
                f" IoU (allowed: {self.bound_lost_mean_iou:.3f}). Nothing was kept."
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
    """Predicts a split twice.

    Args:
        run: The run's own predictor.
        export: The exported one.
        dataset: The split.
        to: The format.
        precision: Of the export.
        split: The split's name.
        weights: The run's.
        files: The export's.

    Raises:
        DataError: A file of the split cannot be used.
    """
    classes = dataset.label_space.num_classes
    before = np.zeros((classes, classes), np.int64)
    after, changed, pixels = before.copy(), 0, 0
    seconds: list[tuple[float, float]] = []
    for index in track(range(len(dataset)), "certifying"):
        sample = dataset[index]
        image = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy())
        began = time.perf_counter()
        ours = run(image)
        between = time.perf_counter()
        theirs = export(image)
        seconds.append((between - began, time.perf_counter() - between))
        labels = sample.labels.numpy()
        for matrix, said in ((before, ours), (after, theirs)):
            matrix += _count(labels, said, classes)
        changed += int((ours != theirs).sum())
        pixels += ours.size
    ours_ms, theirs_ms = 1000 * np.median(np.array(seconds), axis=0)
    return Certificate(
        to=to,
        precision=precision,
        split=split,
        images=len(dataset),
        mean_iou=finite(confusion.mean_iou(before)),
        mean_iou_exported=finite(confusion.mean_iou(after)),
        changed_pixels=changed / max(1, pixels),
        milliseconds=float(ours_ms),
        milliseconds_exported=float(theirs_ms),
        machine=_machine(),
        bytes_run=weights.stat().st_size,
        bytes_exported=sum(file.stat().st_size for file in files),
        bound_changed_pixels=CHANGED[precision],
        bound_lost_mean_iou=LOST[precision],
    )


def _machine() -> str:
    import torch

    about, threads = describe_machine(), torch.get_num_threads()
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{about['processor']}, {about['cores']} cores, torch {about['torch']} on {on}"


def _count(labels: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    import torch

    counted: np.ndarray = confusion.count(torch.from_numpy(labels), torch.from_numpy(said), classes).numpy()
    return counted
