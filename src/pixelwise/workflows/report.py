"""Report of a run: scores, calibration, boundary IoU, and the worst, median and best images."""

import shlex
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer, UInt8
from torch import Tensor

from pixelwise import recipes
from pixelwise.core.errors import InvalidSpec
from pixelwise.core.files import check_file, make_folder, write_text
from pixelwise.core.label_space import IGNORE
from pixelwise.core.progress import track
from pixelwise.data import DataSpec, SegmentationDataset, find_data_root
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
from pixelwise.workflows.stored_results import result_of

SHOWN = 3
"""Maximum number of images shown of each kind: worst, median and best."""
SAMPLED = 2000
"""Maximum number of pixels of an image that calibration uses."""

ReliabilityCounts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Pixels, correct pixels and sum of confidences in each bin of confidence."""


class _SplitPredictions(NamedTuple):
    """Predictions of a split.

    Attributes:
        logits: Logits of sampled pixels of each image.
        labels: Class ids of these pixels.
        boundaries: Boundary counts by class, over all pixels.
        rows: Index in the split -> row of a contact sheet, for the images that are shown.
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
    """Writes the report of a run: one self-contained HTML file.

    Args:
        run: The run.
        split: Name of the split; None takes test if it was evaluated with these options, else the validation split. A
            split that was not evaluated yet is evaluated first.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        out: The HTML file; None makes `report.html` in the run folder.
        options: How predictions are computed, by torch in fp32.

    Returns:
        The HTML file.

    Raises:
        RunError: The run cannot be used, or the file cannot be written.
        InvalidSpec: The data set has no such split, the options name another backend or precision, the device is not
            available, or the network does not accept such windows.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    if not options.is_reference:
        raise InvalidSpec(
            f"a report shows results of torch in fp32, not of {options.backend} in {options.precision}: leave out"
            " --backend and --precision."
        )
    run = Run.open(run)
    target = out or run.path / "report.html"
    check_file(target)
    experiment, root = run.experiment, find_data_root(data_root)
    data = experiment.data
    split = split or ("test" if options.result_name("test") in run.all_results() else data.val_split)
    result = result_of(run, split, data_root=root, options=options)
    predictor = Predictor.load(run, options, data_root=root)
    ids, matrices = run.per_image(split, options.text)
    scores = np.array([confusion.mean_iou(matrix) for matrix in matrices])
    selected = _select_images(scores)
    predictions = _predict_split(predictor, data.build(split, root), {*chain.from_iterable(selected.values())})
    validation = predictions
    if split != data.val_split:
        validation = _predict_split(predictor, data.build(data.val_split, root), set())
    folder = run.path / "report"
    make_folder(folder)
    calibration, counts = _calibration(predictions, validation, data.val_split)
    space, title = data.label_space, f"{experiment.name}: {result.name}"
    save_confusion(np.array(result.confusion_matrix), space, folder / "confusion.png", title=title)
    figures = {"Training curves": str(run.curves.relative_to(run.path)), "Confusion matrix": "report/confusion.png"}
    if counts:
        save_reliability(counts, folder / "reliability.png", title=title)
        figures["Calibration"] = "report/reliability.png"
    images = {}
    for kind, indices in selected.items():
        rows = [predictions.rows[index]._replace(title=f"{ids[index]}\n{scores[index]:.3f}") for index in indices]
        save_sheet(rows, space, folder / f"{kind}.png", error_maps=True)
        images[f"{kind.capitalize()} images of {split}, with their mean IoU"] = f"report/{kind}.png"
    page = RunReport(
        name=experiment.name,
        seed=experiment.fit.seed,
        commands=(
            _train_command(run, "runs/again"),
            f"pixelwise evaluate runs/again --split {split}{options.flags}",
            f"pixelwise report runs/again --split {split}{options.flags}",
        ),
        result=result,
        others=tuple(other for other in run.all_results().values() if other.name != result.name),
        data=_data(run, data, result),
        training=_training(run, experiment),
        machine=_machine(run),
        classes=tuple(_classes(data, result, predictions.boundaries)),
        boundary=_boundary(data, predictions.boundaries),
        calibration=calibration,
        per_image=_quantiles(scores),
        figures=figures,
        images=images,
    )
    write_text(target, html(page, run.path))
    return target


def _train_command(run: Run, out: str) -> str:
    """The command that trains the experiment of a run again."""
    if run.experiment.name in recipes.RECIPES:
        return f"{train_command(run.experiment)} --out {out}"
    # An experiment that was made in Python has no recipe to start from.
    code = f'import pixelwise as pw; pw.train(pw.Run.open("{run.path.name}").experiment, out="{out}")'
    return f"python -c {shlex.quote(code)}"


def _select_images(scores: Float[np.ndarray, " N"]) -> dict[str, list[int]]:
    """Kind -> indices of the worst, median and best images. No image is selected twice."""
    order = [int(index) for index in np.argsort(scores) if np.isfinite(scores[index])]
    number = min(SHOWN, max(1, len(order) // 3))
    first = (len(order) - number) // 2
    kinds = {"worst": order[:number], "median": order[first : first + number], "best": order[-number:][::-1]}
    if len(order) < 3:
        kinds = {"worst": order[:1], "best": order[1:]}
    return {kind: indices for kind, indices in kinds.items() if indices}


def _quantiles(scores: Float[np.ndarray, " N"]) -> dict[str, float | None]:
    """Mean IoU of the worst, median and best image; None if no image has one."""
    defined = scores[np.isfinite(scores)]
    quantiles = (("worst", 0), ("median", 0.5), ("best", 1))
    return {name: float(np.quantile(defined, q)) if len(defined) else None for name, q in quantiles}


@torch.inference_mode()
def _predict_split(predictor: Predictor, dataset: SegmentationDataset, shown: set[int]) -> _SplitPredictions:
    """Predicts a split, and keeps the rows of contact sheets of the images in `shown`."""
    classes = dataset.label_space.num_classes
    generator, logits, labels, rows = torch.Generator().manual_seed(0), [], [], {}
    boundaries = BoundaryCounts(*torch.zeros(2, classes, dtype=torch.int64))
    for index in track(range(len(dataset)), "predicting"):
        sample = dataset[index]
        image_logits = predictor.logits([sample.image])[0].cpu()
        predicted = confusion.predicted(image_logits).to(torch.uint8)
        counts = count_boundaries(sample.labels, predicted, classes)
        boundaries = BoundaryCounts(*(a + b for a, b in zip(boundaries, counts, strict=True)))
        valid = (sample.labels != IGNORE).flatten().nonzero()[:, 0]
        sampled = valid[torch.randperm(len(valid), generator=generator)[:SAMPLED]]
        logits.append(image_logits.flatten(1)[:, sampled].T)
        labels.append(sample.labels.flatten()[sampled].long())
        if index in shown:
            image: UInt8[np.ndarray, "H W 3"] = sample.image.permute(1, 2, 0).numpy()
            rows[index] = SheetRow(sample.id, image, predicted.numpy(), sample.labels.numpy().astype(np.uint8))
    return _SplitPredictions(torch.cat(logits), torch.cat(labels), boundaries, rows)


def _calibration(
    predictions: _SplitPredictions, validation: _SplitPredictions, fitted_on: str
) -> tuple[Calibration | None, dict[str, ReliabilityCounts]]:
    """Calibration errors, and name -> counts of each curve of the reliability diagram."""
    if not len(predictions.labels) or not len(validation.labels):
        return None, {}
    temperature = fit_temperature(validation.logits, validation.labels)
    before, after = (reliability(predictions.logits / t, predictions.labels) for t in (1.0, temperature))
    calibration = Calibration(
        error=expected_calibration_error(before),
        temperature=temperature,
        error_after=expected_calibration_error(after),
        fitted_on=fitted_on,
    )

    def counts(found: Reliability) -> ReliabilityCounts:
        pixels, correct, confidence = (values.numpy() for values in found)
        return pixels, correct, confidence

    return calibration, {"as trained": counts(before), f"at temperature {temperature:.2f}": counts(after)}


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
            pixels=float(pixels / max(1, matrix.sum())),
        )
        for name, color, pixels in zip(space.names, space.colors, matrix.sum(1), strict=True)
    ]
    return sorted(rows, key=lambda row: -1 if row.iou is None else row.iou, reverse=True)


def _data(run: Run, data: DataSpec, result: SplitResult) -> dict[str, str]:
    return {
        "data set": data.title or data.kind,
        "training split": f"{data.train_split}, {run.statistics.images} images",
        "validation split": data.val_split,
        "evaluated on": f"{result.split}, {result.size}",
        **({"inference": result.inference} if result.inference else {}),
        "classes": str(data.label_space.num_classes),
    }


def _training(run: Run, experiment: Experiment) -> dict[str, str]:
    fit, history = experiment.fit, run.history()
    return {
        "network": experiment.model.kind,
        "loss": experiment.loss.kind,
        "image size": image_size(experiment),
        "batch size": str(fit.batch_size),
        "optimizer": f"{fit.optimizer.kind}, learning rate {fit.optimizer.lr:g}, {fit.schedule.kind}",
        "epochs": f"{history[-1].epoch}, best epoch {[r.epoch for r in history if r.best][-1]}",
    }


def _machine(run: Run) -> dict[str, str]:
    environment, history = run.environment, run.history()
    speed = np.median([record.images_per_second for record in history])
    peak = max((record.peak_mib or 0 for record in history), default=0)
    return {
        "hardware": f"{environment.gpu or environment.processor}, {environment.cores} cores",
        "precision": environment.machine.precision,
        "time": f"{_duration(minutes(history))}, {speed:.1f} images/s in training",
        **({"peak memory": f"{peak / 1024:.1f} GiB"} if peak else {}),
        "versions": f"pixelwise {environment.pixelwise}, torch {environment.torch}, python {environment.python}",
    }


def _duration(minutes: float) -> str:
    if minutes < 2:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
