"""Comparison of a report's published numbers with those of our runs, made from the run folders."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pixelwise.core.spec import Spec
from pixelwise.data import DATASETS
from pixelwise.metrics.scores import Scores
from pixelwise.reporting.changes import changes
from pixelwise.reporting.published import PublishedSplit, Report
from pixelwise.run import Run

FEW_EPOCHS = 5
"""A system that was trained for fewer epochs is marked as under-trained."""
NEUTRAL_FIELDS = {"watch", "fit.device", "fit.workers"}
"""Fields of an experiment that are not part of its protocol: they change figures or the machine, and no result."""
DURATIONS = {"fit.epochs", "fit.minutes"}
"""Fields that define the length of a training; exactly one of them is set."""
METRIC_NAMES = {"mean_iou": "mean IoU", "pixel_accuracy": "pixel accuracy", "loss": "loss"}
"""Metric -> its name in headings. Every other metric is a class, and its value that class's IoU."""


class SystemRun(NamedTuple):
    """A trained and evaluated system of a report.

    Attributes:
        system: Name of the system.
        run: Its run.
        recipe: The experiment of its recipe, as JSON.
        evaluated_split: Published split -> split that was evaluated in its place.
    """

    system: str
    run: Run
    recipe: Mapping[str, Any]
    evaluated_split: Mapping[PublishedSplit, str]


class Value(Spec):
    """One number of the table; None where it was not published, not measured, or is undefined.

    Attributes:
        split: Published split.
        metric: One of `SUMMARIES`, or the name of the class whose IoU it is.
        published: Value that the report prints.
        measured: Value of the run.
        difference: Measured - published.
    """

    split: PublishedSplit
    metric: str
    published: float | None
    measured: float | None
    difference: float | None

    @property
    def heading(self) -> str:
        """Metric and split in words."""
        split = "split not stated" if self.split == "unstated" else self.split
        return f"{METRIC_NAMES.get(self.metric, f'IoU {self.metric}')}, {split}"


class Row(Spec):
    """One system of the table.

    Attributes:
        system: Name of the system.
        run: Run folder, relative to the folder of the result; None if the system was not run.
        trained: Evaluated epoch, number of epochs, image size and batch size, in words.
        values: Numbers, in the order of the report's columns.
        iou: Class -> IoU on the split that the report compares its systems on.
        differences: Differences from the report's protocol, one phrase each.
    """

    system: str
    run: str | None
    trained: str
    values: tuple[Value, ...]
    iou: dict[str, float | None]
    differences: tuple[str, ...]


class Picture(Spec):
    """A figure of the result.

    Attributes:
        caption: Caption.
        file: Path, relative to the folder of the result.
    """

    caption: str
    file: str


class Reproduction(Spec):
    """A report's table, with the measured numbers beside the published ones.

    Attributes:
        report: Key of the report.
        published: Its published numbers and texts.
        majority_baseline: Constant prediction, such as "all background" -> its values, where it was evaluated.
        rows: Systems of the report in its order, then systems without published numbers.
        pictures: Figures that show all systems.
    """

    report: str
    published: Report
    majority_baseline: dict[str, tuple[Value, ...]]
    rows: tuple[Row, ...]
    pictures: tuple[Picture, ...] = ()

    @property
    def measured(self) -> list[Row]:
        """Systems that were run."""
        return [row for row in self.rows if row.run is not None]

    @property
    def shared_differences(self) -> list[str]:
        """Differences from the report's protocol that all systems have; empty with a single system."""
        first, *others = [row.differences for row in self.measured] or [()]
        return [phrase for phrase in first if all(phrase in other for other in others)] if others else []

    def curves(self) -> list[Picture]:
        """Training curves of each system."""
        return [Picture(caption=row.system, file=Run(row.run).curves.as_posix()) for row in self.rows if row.run]


def compare_with_published(key: str, report: Report, runs: Sequence[SystemRun], folder: Path) -> Reproduction:
    """Builds the table of a report from the runs of its systems.

    Args:
        key: Key of the report.
        report: Its published numbers.
        runs: Finished runs, evaluated on their `evaluated_split`.
        folder: Folder of the result, which contains the run folders.

    Raises:
        RunError: A run is damaged, or was not evaluated.
    """
    by_name = {run.system: run for run in runs}
    majority_baseline: dict[str, tuple[Value, ...]] = {}
    for system_run in runs:
        results = system_run.run.results()
        scores = {split: results[ours].majority_baseline for split, ours in system_run.evaluated_split.items()}
        predicted = next(iter(scores.values())).predicts
        majority_baseline.setdefault(f"all {predicted}", tuple(_values(report, None, scores)))
    names = [*report.systems, *(name for name in by_name if name not in report.systems)]
    rows = tuple(_row(report, name, by_name.get(name), folder) for name in names)
    return Reproduction(report=key, published=report, majority_baseline=majority_baseline, rows=rows)


def _row(report: Report, name: str, system_run: SystemRun | None, folder: Path) -> Row:
    if system_run is None:
        values = tuple(_values(report, name, {}))
        return Row(system=name, run=None, trained="", values=values, iou={}, differences=())
    run = system_run.run
    results, history, experiment = run.results(), run.history(), run.experiment.model_dump(mode="json")
    scores = {split: results[ours] for split, ours in system_run.evaluated_split.items()}
    compared, batch = scores[report.split], experiment["fit"]["batch_size"]
    return Row(
        system=name,
        run=run.path.relative_to(folder).as_posix(),
        trained=f"epoch {compared.epoch} of {history[-1].epoch}, {_image_size(experiment)}, batch {batch}",
        values=tuple(_values(report, name, scores)),
        iou=compared.iou,
        differences=tuple(_differences(system_run, report)),
    )


def _image_size(experiment: Mapping[str, Any]) -> str:
    """Size of the training images, height first."""
    size = experiment["augment"]["crop"] or experiment["image_size"]
    return f"{size[0]}×{size[1]}" if size else "each image's size"


def _values(report: Report, name: str | None, scores: Mapping[PublishedSplit, Scores]) -> Iterator[Value]:
    """Numbers of a row, in the report's columns.

    Args:
        report: The report.
        name: Name of the system; None for the majority baseline.
        scores: Published split -> measured scores; empty if the system was not run.
    """
    first, row = next(iter(report.systems.values())), report.systems.get(name or "")
    for split, columns in first.scores.items():
        measured = scores.get(split)
        for metric in columns:
            published = row.scores[split][metric] if row else None
            # The majority baseline has no loss, and a class may not exist in another data set.
            value = None if measured is None else measured.iou.get(metric)
            if metric in METRIC_NAMES:
                value = getattr(measured, metric, None)
            difference = None if published is None or value is None else value - published
            yield Value(split=split, metric=metric, published=published, measured=value, difference=difference)


def _differences(system_run: SystemRun, report: Report) -> Iterator[str]:
    """Differences from the report's protocol, as far as the run folder shows them."""
    run, experiment = system_run.run, system_run.run.experiment.model_dump(mode="json")
    kind, changed = experiment["data"]["kind"], changes(system_run.recipe, experiment)
    if kind != report.dataset:
        yield f"data set {kind}, not {report.dataset}"
    if "model.weights" in changed and experiment["model"]["weights"] is None:
        yield "trained from scratch, not from pretrained weights"
        del changed["model.weights"]
    if changed.keys() >= DURATIONS:  # one replaces the other
        changed = {path: texts for path, texts in changed.items() if path not in DURATIONS or texts[1] != "none"}
    for path, (before, after) in changed.items():
        field_of_other_data = path.startswith("data.") and kind != report.dataset
        if path not in NEUTRAL_FIELDS and not field_of_other_data:
            yield f"{path}: {before} → {after}"
    published_sizes = DATASETS[kind].published_sizes if kind in DATASETS else {}
    images, split = run.statistics.images, experiment["data"]["train_split"]
    if images < published_sizes.get(split, 0):
        yield f"trained on a subset of {images} of {published_sizes[split]} images"
    results = run.results()
    for evaluated in dict.fromkeys(system_run.evaluated_split.values()):
        if results[evaluated].images < (results[evaluated].published_images or 0):
            yield f"evaluated on a {results[evaluated].size} of {evaluated}"
    for published, evaluated in system_run.evaluated_split.items():
        if published == "unstated":
            yield f"evaluated on {evaluated}: the report names no split"
        elif published != evaluated:
            yield f"evaluated on {evaluated} instead of {published}"
    trained, epochs = run.history()[-1].epoch, experiment["fit"]["epochs"]
    if epochs is not None and trained < epochs:
        yield f"early stop after {trained} of {epochs} epochs"
    if trained < FEW_EPOCHS:
        yield f"under-trained: {trained} {'epoch' if trained == 1 else 'epochs'}"
