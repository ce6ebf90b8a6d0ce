"""Cross-check: scores of a run recomputed by other libraries, each with its own definition of the mean IoU."""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.core.progress import track
from pixelwise.data import DataSpec, find_data_root
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.inference.predictor import Predictor
from pixelwise.run import Run

Pairs = Iterator[tuple[UInt8[np.ndarray, "H W"], UInt8[np.ndarray, "H W"]]]
"""True and predicted class ids of each image."""


class ReferenceScores(NamedTuple):
    """Scores of one library.

    Attributes:
        library: Name of the library.
        definition: Its definition of the mean IoU.
        mean_iou: Mean IoU by that definition.
        iou: IoU of each class, NaN where it is undefined.
    """

    library: str
    definition: str
    mean_iou: float
    iou: list[float]


class _TorchMetrics:
    name, package = "torchmetrics", "torchmetrics"
    definition = "MulticlassJaccardIndex; the mean is over classes with a true or predicted pixel"

    def __init__(self, data: DataSpec) -> None:
        kind = import_module("torchmetrics.classification").MulticlassJaccardIndex
        number = data.label_space.num_classes
        self._each = kind(num_classes=number, ignore_index=IGNORE, average="none", zero_division=float("nan"))
        self._mean = kind(num_classes=number, ignore_index=IGNORE, average="macro")

    def add(self, labels: UInt8[np.ndarray, "H W"], predicted: UInt8[np.ndarray, "H W"]) -> None:
        true, pred = (torch.from_numpy(values).long()[None] for values in (labels, predicted))
        self._each.update(pred, true)
        self._mean.update(pred, true)

    def scores(self) -> tuple[float, list[float]]:
        return float(self._mean.compute()), self._each.compute().tolist()


class _ScikitLearn:
    name, package = "scikit-learn", "sklearn"
    definition = "confusion_matrix; the mean is over classes with a true or predicted pixel"

    def __init__(self, data: DataSpec) -> None:
        self._count: Callable[..., Any] = import_module("sklearn.metrics").confusion_matrix
        self._classes = range(data.label_space.num_classes)
        self._matrix: Int64[np.ndarray, "K K"] = np.zeros((len(self._classes),) * 2, np.int64)

    def add(self, labels: UInt8[np.ndarray, "H W"], predicted: UInt8[np.ndarray, "H W"]) -> None:
        valid = labels != IGNORE
        if valid.any():
            self._matrix += self._count(labels[valid], predicted[valid], labels=self._classes)

    def scores(self) -> tuple[float, list[float]]:
        hit = np.diag(self._matrix)
        with np.errstate(invalid="ignore"):
            iou = hit / (self._matrix.sum(0) + self._matrix.sum(1) - hit)
        return float(np.nanmean(iou)), iou.tolist()


class _CityscapesScripts:
    name, package = "cityscapesScripts", "cityscapesscripts"
    definition = "getIouScoreForLabel; classes that the official evaluation ignores are left out"

    def __init__(self, data: DataSpec) -> None:
        self._module = import_module("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
        self._space = data.label_space
        size = 1 + max(label.id for label in import_module("cityscapesscripts.helpers.labels").labels)
        self._matrix: Int64[np.ndarray, "R R"] = np.zeros((size, size), np.int64)

    def add(self, labels: UInt8[np.ndarray, "H W"], predicted: UInt8[np.ndarray, "H W"]) -> None:
        raw = np.array(self._space.raw_ids)
        valid = labels != IGNORE
        np.add.at(self._matrix, (raw[labels[valid]], raw[predicted[valid]]), 1)

    def scores(self) -> tuple[float, list[float]]:
        arguments = self._module.args
        arguments.evalLabels = list(range(len(self._matrix)))
        iou = [float(self._module.getIouScoreForLabel(raw, self._matrix, arguments)) for raw in self._space.raw_ids]
        return float(np.nanmean(iou)), iou


LIBRARIES = (_TorchMetrics, _ScikitLearn, _CityscapesScripts)


def cross_check(
    run: Run | Path | str, split: str | None = None, data_root: Path | str | None = None
) -> list[ReferenceScores]:
    """Scores of a split by this package and by every installed library that has the metric.

    Args:
        run: The run. Its best checkpoint is evaluated again.
        split: Name of the split; None takes the validation split.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.

    Raises:
        InvalidSpec: No library is installed, or the data set has no such split.
        RunError: The run cannot be used.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    run = Run.open(run)
    data = run.experiment.data
    kinds = [kind for kind in LIBRARIES if find_spec(kind.package)]
    libraries = [kind(data) for kind in kinds if kind is not _CityscapesScripts or data.kind == "cityscapes"]
    if not libraries:
        raise InvalidSpec("a cross-check needs another library: pip install torchmetrics scikit-learn.")
    split = split or data.val_split
    result = evaluate(run, split, data_root=data_root)
    for labels, predicted in _pairs(Predictor.load(run), data, split, find_data_root(data_root)):
        for library in libraries:
            library.add(labels, predicted)
    iou = [float("nan") if value is None else value for value in result.iou.values()]
    mean = float("nan") if result.mean_iou is None else result.mean_iou
    definition = "one confusion matrix; the mean is over classes with a true or predicted pixel"
    ours = ReferenceScores("pixelwise", definition, mean, iou)
    return [ours, *(ReferenceScores(library.name, library.definition, *library.scores()) for library in libraries)]


def _pairs(predictor: Predictor, data: DataSpec, split: str, root: Path) -> Pairs:
    dataset = data.build(split, root)
    for index in track(range(len(dataset)), "evaluating"):
        image, labels, _ = dataset[index]
        yield labels.numpy().astype(np.uint8), predictor(image.permute(1, 2, 0).numpy())
