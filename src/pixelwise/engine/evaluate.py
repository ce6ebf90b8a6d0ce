"""Judging: one confusion matrix over a whole split at the images' original size, the trivial predictor beside it."""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from pixelwise.core.labels import LabelSpace
from pixelwise.data import DataSpec, Sample, SegmentationDataset, find_data_root
from pixelwise.data.loading import read_samples
from pixelwise.data.statistics import Statistics
from pixelwise.engine.backends import BackendName, PredictPrecision
from pixelwise.engine.lanes import side_by_side
from pixelwise.engine.pictures import draw_predictions
from pixelwise.engine.precision import decide
from pixelwise.engine.predictor import Predictor
from pixelwise.engine.progress import Bar
from pixelwise.engine.views import PLAIN, Views
from pixelwise.experiment import Experiment
from pixelwise.losses import LossFunction
from pixelwise.metrics import bootstrap, confusion
from pixelwise.runs import Run
from pixelwise.scores import MeanIou, Scores, SplitResult, Trivial

TOGETHER = 2
"""With a training's whole batch, in fp32 and at the original size, judging needed more memory than training."""


class Judgement(NamedTuple):
    """What was counted on a split.

    Attributes:
        ids: The images.
        matrices: One confusion matrix for each, rows true, columns predicted.
        loss: Mean over the split's valid pixels, NaN without any.
    """

    ids: list[str]
    matrices: Int64[np.ndarray, "N K K"]
    loss: float

    @property
    def matrix(self) -> Int64[np.ndarray, "K K"]:
        """The split's confusion matrix."""
        total: Int64[np.ndarray, "K K"] = self.matrices.sum(0)
        return total


class _Counted(NamedTuple):
    """What one image adds to its split: its confusion matrix, and the sum and count of the loss."""

    id: str
    matrix: Int64[Tensor, "K K"]
    loss: float
    weight: float


def judge(
    predictor: Predictor, dataset: SegmentationDataset, loss: LossFunction, batch_size: int, workers: int
) -> Judgement:
    """Counts a split.

    Args:
        predictor: What is judged.
        dataset: The split.
        loss: Summed over the split as well, at the original size.
        batch_size: Images that go through the network together, on a processor `TOGETHER` at most.
        workers: Processes that read files.

    Raises:
        BadData: A file cannot be used.
    """
    if predictor.model.mean.device.type == "cpu":
        batch_size = min(batch_size, TOGETHER)

    @torch.inference_mode()
    def counted(samples: list[Sample]) -> list[_Counted]:
        found = []
        for sample, logits in zip(samples, predictor.logits([s.image for s in samples]), strict=True):
            labels = sample.labels.to(logits.device)
            value = loss(logits[None], labels[None])
            matrix = confusion.count(labels, confusion.predicted(logits), dataset.space.num_classes)
            found.append(_Counted(sample.id, matrix.cpu(), value.sum.item(), value.count.item()))
        return found

    images: list[_Counted] = []
    with Bar(len(dataset), "judging ") as bar:
        batches = _batches(read_samples(dataset, workers), batch_size)
        for found in side_by_side(counted, batches, predictor.lanes):
            images.extend(found)
            for _ in found:
                bar.step()
    weight = sum(image.weight for image in images)
    mean = sum(image.loss for image in images) / weight if weight else float("nan")
    return Judgement([image.id for image in images], torch.stack([image.matrix for image in images]).numpy(), mean)


def evaluate(
    run: Run | Path | str,
    split: str | None = None,
    data_root: Path | str | None = None,
    device: str = "auto",
    *,
    backend: BackendName = "torch",
    precision: PredictPrecision = "fp32",
    views: Views = PLAIN,
) -> SplitResult:
    """Judges the best checkpoint of a run on a split; stores the result and some pictures in the run's folder.

    By torch in fp32, that is. What another backend or bf16 makes of it is given back and not stored. A result by
    several views is stored beside the plain one, and says by which; see `Run.view_results`.

    Args:
        run: The run.
        split: Which split; None is the one that chose the checkpoint.
        data_root: See `find_data_root`.
        device: `auto`, `cpu`, `cuda` or `mps`.
        backend: What computes the logits.
        precision: In what it computes them.
        views: How often each image is looked at, and how.

    Raises:
        RunError: The run cannot be used.
        InvalidSpec: The data set has no such split, the backend cannot be used, or the network takes no such windows.
        DatasetNotFound: The data is not there.
        BadData: A file cannot be used.
    """
    run = Run.open(run.path if isinstance(run, Run) else run)
    experiment = Experiment.from_json(run.experiment_json())
    views.check(experiment.model)
    split = split or experiment.data.val_split
    dataset = experiment.data.build(split, find_data_root(data_root))
    predictor = Predictor.load(run, device, backend, precision, data_root, bulk=True, views=views)
    machine = decide(experiment.fit.replace(device=device))
    statistics = run.stored("statistics", Statistics)
    loss = experiment.loss.build(torch.tensor(statistics.pixel_counts))
    loss.to(predictor.model.mean.device)
    judgement = judge(predictor, dataset, loss, experiment.fit.batch_size, machine.workers)
    result = summarise(judgement, experiment.data, split, predictor.epoch, statistics).replace(views=views.text)
    if (backend, precision) == ("torch", "fp32"):
        run.add_result(result, judgement.ids, judgement.matrices)
        draw_predictions(run, predictor, dataset, split)
    return result


def summarise(judgement: Judgement, data: DataSpec, split: str, epoch: int, statistics: Statistics) -> SplitResult:
    """Turns a judgement into scores beside the trivial predictor's."""
    space, commonest = data.label_space, int(np.argmax(statistics.pixel_counts))
    matrix = judgement.matrix
    trivial = scores(confusion.constant_predictor(matrix, commonest), space)
    return SplitResult(
        split=split,
        images=len(judgement.ids),
        published_images=data.published_sizes.get(split),
        epoch=epoch,
        loss=finite(judgement.loss),
        trivial=Trivial(predicts=space.names[commonest], **trivial),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
        official=_official(matrix, space),
        groups=_groups(matrix, space),
        interval=_interval(judgement.matrices),
        **scores(matrix, space),
    )


def scores(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> dict[str, Any]:
    """The fields of `Scores` for a confusion matrix."""
    values = {
        "mean_iou": finite(confusion.mean_iou(matrix)),
        "classes_in_mean": confusion.classes_in_mean(matrix),
        "pixel_accuracy": finite(confusion.pixel_accuracy(matrix)),
        "mean_accuracy": finite(confusion.mean_accuracy(matrix)),
        "frequency_weighted_iou": finite(confusion.frequency_weighted_iou(matrix)),
        "iou": {name: finite(v) for name, v in zip(space.names, confusion.iou(matrix), strict=True)},
    }
    return Scores.model_validate(values).model_dump()


def _interval(matrices: Int64[np.ndarray, "N K K"]) -> tuple[float, float] | None:
    ends = bootstrap.mean_iou_interval(matrices) if len(matrices) > 1 else (math.nan, math.nan)
    return ends if all(map(math.isfinite, ends)) else None


def _official(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> MeanIou | None:
    """By the data set's own evaluation, where it leaves out classes that are learnt."""
    if not space.not_judged:
        return None
    values = zip(space.names, confusion.iou(matrix, _left_out(space)), strict=True)
    return _mean_iou({name: value for name, value in values if name not in space.not_judged})


def _groups(matrix: Int64[np.ndarray, "K K"], space: LabelSpace) -> dict[str, MeanIou]:
    found = {}
    for grouping, groups in space.groups.items():
        members = [[space.class_id(name) for name in names] for names in groups.values()]
        values = confusion.group_iou(matrix, members, _left_out(space))
        found[grouping] = _mean_iou(dict(zip(groups, values, strict=True)))
    return found


def _left_out(space: LabelSpace) -> list[int]:
    return [space.class_id(name) for name in space.not_judged]


def _mean_iou(values: dict[str, float]) -> MeanIou:
    defined = [value for value in values.values() if np.isfinite(value)]
    return MeanIou(
        mean_iou=float(np.mean(defined)) if defined else None,
        classes_in_mean=len(defined),
        iou={name: finite(value) for name, value in values.items()},
    )


def finite(value: float) -> float | None:
    """The value, or None where it is undefined: JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _batches(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, size)):
        yield batch
