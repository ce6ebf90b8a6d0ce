"""Evaluation: one confusion matrix over a whole split at the images' original size, beside the majority baseline."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from pixelwise.core.progress import Bar
from pixelwise.data import DataSpec, Sample, SegmentationDataset, find_data_root
from pixelwise.data.loading import read_samples
from pixelwise.data.statistics import Statistics
from pixelwise.evaluation.figures import draw_predictions
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.parallel import map_ordered
from pixelwise.inference.predictor import Predictor
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.inference.sliding_window import check_window
from pixelwise.losses import LossFunction
from pixelwise.metrics import confusion, scores
from pixelwise.metrics.scores import SplitResult
from pixelwise.run import Run

MAX_CPU_BATCH = 2
"""With the whole batch of a training, in fp32 and at the original size, evaluation needed more memory than training."""


class SplitCounts(NamedTuple):
    """Counts over a split.

    Attributes:
        ids: Ids of the images.
        matrices: One confusion matrix per image, rows true, columns predicted.
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


class _ImageCounts(NamedTuple):
    """Confusion matrix of an image, and sum and count of its loss."""

    id: str
    matrix: Int64[Tensor, "K K"]
    loss: float
    weight: float


def evaluate_split(
    predictor: Predictor, dataset: SegmentationDataset, loss: LossFunction, batch_size: int, workers: int
) -> SplitCounts:
    """Confusion matrices and loss of a predictor on a split.

    Args:
        predictor: The predictor.
        dataset: The split.
        loss: Loss, summed over the split at the original size.
        batch_size: Images per batch; on a CPU at most `MAX_CPU_BATCH`.
        workers: Number of processes that read files.

    Raises:
        DataError: A file cannot be used.
    """
    if predictor.model.mean.device.type == "cpu":
        batch_size = min(batch_size, MAX_CPU_BATCH)

    @torch.inference_mode()
    def count(samples: list[Sample]) -> list[_ImageCounts]:
        found = []
        for sample, logits in zip(samples, predictor.logits([s.image for s in samples]), strict=True):
            labels = sample.labels.to(logits.device)
            value = loss(logits[None], labels[None])
            matrix = confusion.count(labels, confusion.predicted(logits), dataset.label_space.num_classes)
            found.append(_ImageCounts(sample.id, matrix.cpu(), value.sum.item(), value.count.item()))
        return found

    images: list[_ImageCounts] = []
    with Bar(len(dataset), "evaluating") as bar:
        batches = _batches(read_samples(dataset, workers), batch_size)
        for found in map_ordered(count, batches, predictor.parallel_calls):
            images.extend(found)
            for _ in found:
                bar.step()
    weight = sum(image.weight for image in images)
    mean = sum(image.loss for image in images) / weight if weight else float("nan")
    return SplitCounts([image.id for image in images], torch.stack([image.matrix for image in images]).numpy(), mean)


def evaluate(
    run: Run | Path | str,
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> SplitResult:
    """Evaluates the best checkpoint of a run on a split; stores the result and some figures in the run folder.

    Only results of torch in fp32 are stored; those of other backends and precisions are returned and not stored. A
    result with test-time augmentation or sliding windows is stored separately; see `Run.inference_results`.

    Args:
        run: The run.
        split: Name of the split; None takes the validation split.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        options: How predictions are computed.

    Raises:
        RunError: The run cannot be used.
        InvalidSpec: The data set has no such split, the device or backend is not available, or the network does not
            accept such windows.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    run = Run.open(run)
    experiment, statistics = run.experiment, run.statistics
    check_window(options.window, experiment.model)
    split = split or experiment.data.val_split
    dataset = experiment.data.build(split, find_data_root(data_root))
    predictor = Predictor.load(run, options, data_root=data_root, bulk=True)
    workers = resolve_runtime(experiment.fit.replace(device=options.device)).workers
    loss = experiment.loss.build(torch.tensor(statistics.pixel_counts))
    loss.to(predictor.model.mean.device)
    counts = evaluate_split(predictor, dataset, loss, experiment.fit.batch_size, workers)
    result = summarize(counts, experiment.data, split, predictor.epoch, statistics).replace(inference=options.text)
    if options.is_reference:
        run.add_result(result, counts.ids, counts.matrices)
        draw_predictions(run, predictor, dataset, split)
    return result


def summarize(counts: SplitCounts, data: DataSpec, split: str, epoch: int, statistics: Statistics) -> SplitResult:
    """Scores of a split's counts, beside those of the majority baseline."""
    space, matrix = data.label_space, counts.matrix
    return SplitResult(
        split=split,
        images=len(counts.ids),
        published_images=data.published_sizes.get(split),
        epoch=epoch,
        loss=scores.finite(counts.loss),
        majority_baseline=scores.majority_baseline(matrix, statistics.pixel_counts, space),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
        official=scores.official(matrix, space),
        groups=scores.groups(matrix, space),
        mean_iou_ci95=scores.mean_iou_ci95(counts.matrices),
        **scores.scores(matrix, space),
    )


def _batches(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, size)):
        yield batch
