"""A run's page: its scores, and what only a look at its predictions tells."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer, UInt8
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.files import check_file, make_folder, write_text
from pixelwise.core.label_space import IGNORE
from pixelwise.core.progress import track
from pixelwise.data import DataSpec, SegmentationDataset, find_data_root
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.metrics import confusion
from pixelwise.metrics.boundary import BoundaryCounts, count_boundaries
from pixelwise.metrics.calibration import Reliability, expected_calibration_error, fit_temperature, reliability
from pixelwise.metrics.scores import MeanIou, SplitResult, finite
from pixelwise.reporting.run_page import Calibration, ClassRow, RunReport, html
from pixelwise.run import Run
from pixelwise.viz.confusion import save_confusion
from pixelwise.viz.contact_sheet import SheetRow, save_sheet
from pixelwise.viz.reliability import save_reliability
from pixelwise.workflows.describe import image_size, minutes, train_command

SHOWN = 3
"""Images of each kind: the worst, those around the median, the best."""
SAMPLED = 2000
"""Pixels of an image that calibration looks at."""


class _Seen(NamedTuple):
    """What one pass over a split gave.

    Attributes:
        logits: Of some pixels of each image.
        labels: Their class ids.
        boundaries: Counts by class, of all pixels.
        rows: The chosen images, by their place in the split.
    """

    logits: Float[Tensor, "N K"]
    labels: Integer[Tensor, " N"]
    boundaries: BoundaryCounts
    rows: dict[int, SheetRow]


def report(
    run: Run | Path | str,
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> Path:
    """Writes a run's page, which needs nothing beside it and can be sent as it is.

    Args:
        run: The run.
        split: What it is about; None takes test where it was evaluated, else the validation split. A split that was not
            evaluated is evaluated now.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        out: The page; None makes `report.html` in the run folder.
        options: How the predictions of the page are computed.

    Raises:
        RunError: The run cannot be used, or the page cannot be written.
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is not there.
        DataError: A file cannot be used.
    """
    if not options.is_reference:
        raise InvalidSpec("a report shows stored results, of torch in fp32: leave out --backend and --precision.")
    run = Run.open(run)
    target = out or run.path / "report.html"
    check_file(target)
    experiment, root = run.experiment, find_data_root(data_root)
    data = experiment.data
    name = options.result_name
    split = split or ("test" if name("test") in run.all_results() else data.val_split)
    if name(split) not in run.all_results():
        evaluate(run, split, data_root=root, options=options)
    predictor = Predictor.load(run, options, data_root=root)
    ids, matrices = run.per_image(split, options.text)
    scores = np.array([confusion.mean_iou(matrix) for matrix in matrices])
    chosen = _chosen(scores)
    seen = _predict_split(
        predictor, data.build(split, root), [index for indices in chosen.values() for index in indices]
    )
    fitted = seen if split == data.val_split else _predict_split(predictor, data.build(data.val_split, root), [])
    folder = run.path / "report"
    make_folder(folder)
    result = run.all_results()[name(split)]
    calibration, counts = _calibration(seen, fitted, data.val_split)
    space = data.label_space
    save_confusion(
        np.array(result.confusion_matrix), space, folder / "confusion.png", title=f"{experiment.name}: {result.name}"
    )
    figures = {"Training curves": str(run.curves.relative_to(run.path)), "Confusion matrix": "report/confusion.png"}
    if counts:
        save_reliability(counts, folder / "reliability.png", title=f"{experiment.name}: {result.name}")
        figures["Calibration"] = "report/reliability.png"
    images = {}
    for caption, indices in chosen.items():
        rows = [seen.rows[index]._replace(title=f"{ids[index]}\n{scores[index]:.3f}") for index in indices]
        save_sheet(rows, space, folder / f"{caption}.png", error_maps=True)
        images[f"the {caption} images of {split}"] = f"report/{caption}.png"
    page = RunReport(
        name=experiment.name,
        seed=experiment.fit.seed,
        commands=(
            f"{train_command(experiment)} --out runs/again",
            f"pixelwise evaluate runs/again --split {split}{options.flags}",
            f"pixelwise report runs/again --split {split}{options.flags}",
        ),
        result=result,
        others=tuple(other for other in run.all_results().values() if other.name != result.name),
        data=_data(run, data, result),
        training=_training(run, experiment),
        machine=_machine(run),
        classes=tuple(_classes(data, result, seen.boundaries)),
        boundary=_boundary(data, seen.boundaries),
        calibration=calibration,
        per_image={name: float(np.nanquantile(scores, q)) for name, q in (("worst", 0), ("median", 0.5), ("best", 1))},
        figures=figures,
        images=images,
    )
    write_text(target, html(page, run.path))
    return target


def _chosen(scores: Float[np.ndarray, " N"]) -> dict[str, list[int]]:
    """Places of the worst, the middle and the best images; none twice."""
    order = [int(index) for index in np.argsort(scores) if np.isfinite(scores[index])]
    number = min(SHOWN, max(1, len(order) // 3))
    middle = (len(order) - number) // 2
    return {"worst": order[:number], "middle": order[middle : middle + number], "best": order[-number:][::-1]}


@torch.inference_mode()
def _predict_split(predictor: Predictor, dataset: SegmentationDataset, shown: list[int]) -> _Seen:
    """Predicts a split once."""
    classes = dataset.label_space.num_classes
    chance, logits, labels, rows = torch.Generator().manual_seed(0), [], [], {}
    boundaries = BoundaryCounts(*torch.zeros(2, classes, dtype=torch.int64))
    for index in track(range(len(dataset)), "predicting"):
        sample = dataset[index]
        of_image = predictor.logits([sample.image])[0].cpu()
        predicted = confusion.predicted(of_image).to(torch.uint8)
        found = count_boundaries(sample.labels, predicted, classes)
        boundaries = BoundaryCounts(*(a + b for a, b in zip(boundaries, found, strict=True)))
        valid = (sample.labels != IGNORE).flatten().nonzero()[:, 0]
        some = valid[torch.randperm(len(valid), generator=chance)[:SAMPLED]]
        logits.append(of_image.flatten(1)[:, some].T)
        labels.append(sample.labels.flatten()[some].long())
        if index in shown:
            image: UInt8[np.ndarray, "H W 3"] = sample.image.permute(1, 2, 0).numpy()
            rows[index] = SheetRow(sample.id, image, predicted.numpy(), sample.labels.numpy().astype(np.uint8))
    return _Seen(torch.cat(logits), torch.cat(labels), boundaries, rows)


def _calibration(
    seen: _Seen, fitted: _Seen, fitted_on: str
) -> tuple[Calibration | None, dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """The numbers, and the counts that are drawn."""
    if not len(seen.labels) or not len(fitted.labels):
        return None, {}
    temperature = fit_temperature(fitted.logits, fitted.labels)
    plain, mended = (reliability(seen.logits / t, seen.labels) for t in (1.0, temperature))
    numbers = Calibration(
        error=expected_calibration_error(plain),
        temperature=temperature,
        error_after=expected_calibration_error(mended),
        fitted_on=fitted_on,
    )

    def drawn(counts: Reliability) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pixels, right, confidence = (values.numpy() for values in counts)
        return pixels, right, confidence

    return numbers, {"as trained": drawn(plain), f"at temperature {temperature:.2f}": drawn(mended)}


def _boundary(data: DataSpec, counts: BoundaryCounts) -> MeanIou:
    with np.errstate(invalid="ignore"):
        iou: Float[np.ndarray, " K"] = counts.intersection.numpy() / counts.union.numpy()
    defined = iou[np.isfinite(iou)]
    return MeanIou(
        mean_iou=float(defined.mean()) if len(defined) else None,
        classes_in_mean=len(defined),
        iou={name: finite(value) for name, value in zip(data.label_space.names, iou, strict=True)},
    )


def _classes(data: DataSpec, result: SplitResult, counts: BoundaryCounts) -> list[ClassRow]:
    space, boundary = data.label_space, _boundary(data, counts).iou
    matrix: Int64[np.ndarray, "K K"] = np.array(result.confusion_matrix)
    rows = [
        ClassRow(
            name=name,
            color=f"rgb({', '.join(map(str, color))})",
            iou=result.iou[name],
            majority_baseline=result.majority_baseline.iou[name],
            boundary=boundary[name],
            pixels=float(true / max(1, matrix.sum())),
        )
        for name, color, true in zip(space.names, space.colors, matrix.sum(1), strict=True)
    ]
    return sorted(rows, key=lambda row: -1 if row.iou is None else row.iou, reverse=True)


def _data(run: Run, data: DataSpec, result: SplitResult) -> dict[str, str]:
    return {
        "data set": data.title or data.kind,
        "training split": f"{data.train_split}, {run.statistics.images} images",
        "validation split": data.val_split,
        "evaluated on": f"{result.split}, {result.size}",
        "classes": str(data.label_space.num_classes),
    }


def _training(run: Run, experiment: Experiment) -> dict[str, str]:
    fit, history = experiment.fit, run.history()
    return {
        "network": experiment.model.kind,
        "loss": experiment.loss.kind,
        "images": f"{image_size(experiment)}, batch {fit.batch_size}",
        "optimizer": f"{fit.optimizer.kind}, learning rate {fit.optimizer.lr:g}, {fit.schedule.kind}",
        "epochs": f"best {[r.epoch for r in history if r.best][-1]} of {history[-1].epoch}",
    }


def _machine(run: Run) -> dict[str, str]:
    environment, history = run.environment, run.history()
    speed = np.median([record.images_per_second for record in history])
    peak = max((record.peak_mib or 0 for record in history), default=0)
    return {
        "hardware": f"{environment.gpu or environment.processor}, {environment.cores} cores",
        "precision": environment.machine.precision,
        "time": f"{_time(minutes(history))}, {speed:.1f} images/s in training",
        **({"peak memory": f"{peak / 1024:.1f} GiB"} if peak else {}),
        "versions": f"pixelwise {environment.pixelwise}, torch {environment.torch}, python {environment.python}",
    }


def _time(duration: float) -> str:
    if duration < 2:
        return f"{60 * duration:.0f} seconds"
    return f"{duration:.0f} minutes" if duration < 120 else f"{duration / 60:.1f} hours"
