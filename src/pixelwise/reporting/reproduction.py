"""A report's systems as published and as measured, side by side, from their run folders."""

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
"""Below this many, a system is called under-trained."""
_NO_PROTOCOL = {"watch", "fit.device", "fit.workers"}
"""Fields that decide what is drawn, or where it is computed, and no result."""
_WORDS = {"mean_iou": "mean IoU", "pixel_accuracy": "pixel accuracy", "loss": "loss"}


class Trial(NamedTuple):
    """A system that was trained and evaluated.

    Attributes:
        system: Its name.
        run: Its run.
        recipe: Its recipe's experiment, as JSON has it.
        evaluated: Published split -> the split that was evaluated in its place.
    """

    system: str
    run: Run
    recipe: Mapping[str, Any]
    evaluated: Mapping[PublishedSplit, str]


class Value(Spec):
    """One number of the table; None where it was not published, not measured, or is undefined.

    Attributes:
        split: As published.
        metric: One of `SUMMARIES`, or the class whose IoU it is.
        published: The report's number.
        measured: The run's.
        difference: Measured - published.
    """

    split: PublishedSplit
    metric: str
    published: float | None
    measured: float | None
    difference: float | None

    @property
    def heading(self) -> str:
        """Split and metric in words."""
        split = "split not stated" if self.split == "unstated" else self.split
        return f"{_WORDS.get(self.metric, f'IoU {self.metric}')}, {split}"


class Row(Spec):
    """One system.

    Attributes:
        system: Its name.
        run: Its run's folder, below the result's; None where it was not run.
        trained: Which epoch was evaluated, of how many; images' size and batch, in words.
        values: In the order of the report's columns.
        iou: Class -> IoU on the split that the report's comparison is of.
        differs: In what the run is not what the report did, a sentence each.
    """

    system: str
    run: str | None
    trained: str
    values: tuple[Value, ...]
    iou: dict[str, float | None]
    differs: tuple[str, ...]


class Picture(Spec):
    """A picture of the result.

    Attributes:
        caption: What it shows.
        file: Its path below the result's folder.
    """

    caption: str
    file: str


class Reproduction(Spec):
    """A report's table with what was measured beside it.

    Attributes:
        report: The report's key.
        published: What it says.
        majority_baseline: Constant prediction of one class -> its values, where it was evaluated.
        rows: The report's systems in its order, then others.
        pictures: Of all systems together.
    """

    report: str
    published: Report
    majority_baseline: dict[str, tuple[Value, ...]]
    rows: tuple[Row, ...]
    pictures: tuple[Picture, ...] = ()

    @property
    def measured(self) -> list[Row]:
        """The systems that were run."""
        return [row for row in self.rows if row.run is not None]

    @property
    def shared(self) -> list[str]:
        """What differs in all systems alike."""
        first, *others = [row.differs for row in self.measured] or [()]
        return [sentence for sentence in first if all(sentence in other for other in others)] if others else []

    def curves(self) -> list[Picture]:
        """The curves of each system."""
        return [Picture(caption=row.system, file=Run(row.run).curves.as_posix()) for row in self.rows if row.run]


def compare(key: str, report: Report, trials: Sequence[Trial], folder: Path) -> Reproduction:
    """The table of a report from the runs of its systems.

    Args:
        key: The report's.
        report: What it published.
        trials: Finished runs, evaluated on the splits that they name.
        folder: Where the result will lie, and the runs below it.

    Raises:
        RunError: A run is damaged, or was not evaluated.
    """
    by_name = {trial.system: trial for trial in trials}
    majority_baseline: dict[str, tuple[Value, ...]] = {}
    for trial in trials:
        results = trial.run.results()
        scores = {split: results[evaluated].majority_baseline for split, evaluated in trial.evaluated.items()}
        majority_baseline.setdefault(
            f"all {next(iter(scores.values())).predicts}", tuple(_values(report, None, scores))
        )
    names = [*report.systems, *(name for name in by_name if name not in report.systems)]
    rows = tuple(_row(report, name, by_name.get(name), folder) for name in names)
    return Reproduction(report=key, published=report, majority_baseline=majority_baseline, rows=rows)


def _row(report: Report, name: str, trial: Trial | None, folder: Path) -> Row:
    if trial is None:
        values = tuple(_values(report, name, {}))
        return Row(system=name, run=None, trained="", values=values, iou={}, differs=())
    results, history = trial.run.results(), trial.run.history()
    scores = {split: results[evaluated] for split, evaluated in trial.evaluated.items()}
    compared, asked = scores[report.split], trial.run.experiment.model_dump(mode="json")
    return Row(
        system=name,
        run=trial.run.path.relative_to(folder).as_posix(),
        trained=f"epoch {compared.epoch} of {history[-1].epoch}, {_size(asked)}, batch {asked['fit']['batch_size']}",
        values=tuple(_values(report, name, scores)),
        iou=compared.iou,
        differs=tuple(_differs(trial, report)),
    )


def _size(asked: Mapping[str, Any]) -> str:
    """Of what size training images were, height first."""
    size = asked["augment"]["crop"] or asked["image_size"]
    return f"{size[0]}×{size[1]}" if size else "each image's size"


def _values(report: Report, name: str | None, scores: Mapping[PublishedSplit, Scores]) -> Iterator[Value]:
    """A row's numbers in the report's columns. `name` is the system's, None for the trivial predictor."""
    first, row = next(iter(report.systems.values())), report.systems.get(name or "")
    for split, columns in first.scores.items():
        for metric in columns:
            published = row.scores[split][metric] if row else None
            found = scores.get(split)
            # The trivial predictor has no loss, and a class may not exist in another data set.
            measured = getattr(found, metric, None) if metric in _WORDS else found.iou.get(metric) if found else None
            difference = None if published is None or measured is None else measured - published
            yield Value(split=split, metric=metric, published=published, measured=measured, difference=difference)


def _differs(trial: Trial, report: Report) -> Iterator[str]:
    """In what a run is not what the report did, as far as its folder tells."""
    asked = trial.run.experiment.model_dump(mode="json")
    kind, found = asked["data"]["kind"], changes(trial.recipe, asked)
    if kind != report.dataset:
        yield f"data set {kind}, not {report.dataset}"
    if "model.weights" in found and asked["model"]["weights"] is None:
        yield "weights from scratch, not pretrained"
        del found["model.weights"]
    for path, (before, after) in found.items():
        of_another_set = path.startswith("data.") and kind != report.dataset
        if path not in _NO_PROTOCOL and not of_another_set:
            yield f"{path}: {before} → {after}"
    sizes = DATASETS[kind].published_sizes if kind in DATASETS else {}
    images, split = trial.run.environment.statistics.images, asked["data"]["train_split"]
    if images < sizes.get(split, 0):
        yield f"trained on a subset of {images} of {sizes[split]} images"
    results = trial.run.results()
    for evaluated in dict.fromkeys(trial.evaluated.values()):
        if results[evaluated].images < (results[evaluated].published_images or 0):
            yield f"evaluated on a {results[evaluated].size} of {evaluated}"
    for published, evaluated in trial.evaluated.items():
        if published == "unstated":
            yield f"evaluated on {evaluated}: the report names no split"
        elif published != evaluated:
            yield f"evaluated on {evaluated} in place of {published}"
    done, epochs = trial.run.history()[-1].epoch, asked["fit"]["epochs"]
    if epochs is not None and done < epochs:
        yield f"early stop after {done} of {epochs} epochs"
    if done < FEW_EPOCHS:
        yield f"under-trained: {done} {'epoch' if done == 1 else 'epochs'}"
