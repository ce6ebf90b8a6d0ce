"""What proves a number of the docs: records of runs under docs/runs, each with a page of its own."""

import hashlib
import json
from pathlib import Path
from typing import Any

from PIL import Image as PilImage

from pixelwise import recipes
from pixelwise.core.files import new_folder, write_text
from pixelwise.data.images import write_png
from pixelwise.experiment import Experiment
from pixelwise.metrics.scores import EpochRecord, SplitResult
from pixelwise.reporting.changes import leaves, text
from pixelwise.reporting.pages import number
from pixelwise.run import Run

NOTE, PAGE = "note.md", "README.md"
"""In a record: what a reader must know and no file of the run can say, written by hand; and its page, made of both."""


def add(run: Run, docs: Path, name: str | None = None) -> Path:
    """Copies what proves a run's numbers, without its weights, into a folder of `docs/runs`.

    Args:
        run: Finished, and evaluated.
        docs: The project's `docs`.
        name: Of the folder; by default `<recipe>-seed<n>`, which a run with other settings cannot have as well.

    Raises:
        RunError: The run is incomplete, or the record exists already.
    """
    experiment = run.experiment
    target = docs / "runs" / (name or f"{experiment.name.replace('/', '-')}-seed{experiment.fit.seed}")
    new_folder(target, "a record")
    for file in run.records():
        write_text(target / file.name, file.read_text(encoding="utf-8"))
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (run.best, run.last)}
    write_text(target / "weights.json", json.dumps(hashes, indent=2) + "\n")
    # Those of other seeds, of small changes and of other views look alike.
    shown = {} if experiment.fit.seed or name else run.results()
    sheets = [sheet for split in shown if (sheet := run.sheet(split)).is_file()]
    for picture in (run.curves, *sheets):
        shrunk = PilImage.open(picture).convert("RGB")
        shrunk.thumbnail((1200, 1600))
        # 256 colors are enough for a page, and keep pictures small in the repository.
        write_png(target / picture.name, shrunk.quantize(256))
    return target


def command(experiment: Experiment) -> str:
    """The command that trains an experiment: its recipe, and what differs from it."""
    asked, recipe = (leaves(e.model_dump(mode="json")) for e in (experiment, recipes.get(experiment.name)))
    seed = asked.pop("fit.seed")
    changed = {path: value for path, value in asked.items() if recipe.get(path, ...) != value}
    words = [f"--set {path}={text(value)}" for path, value in changed.items()]
    return " ".join(["pixelwise train", experiment.name, f"--seed {seed}", *words])


def page(run: Run) -> str:
    """A record's page: the command, what it ran on, its curves, a few predictions, every class."""
    experiment, environment, history = run.experiment, run.environment, run.history()
    machine, statistics, results = environment["machine"], environment["statistics"], run.results()
    published = experiment.data.published_sizes.get(experiment.data.train_split)
    subset = f" (a subset: as published {published})" if published and statistics["images"] < published else ""
    note = run.path / NOTE
    sheet = next((s for s in ("test", *results) if (run.path / f"{s}.png").is_file()), None)
    parts = [
        f"# {run.path.name}",
        f"```bash\n{command(experiment)}\n```",
        (
            f"{statistics['images']} training images{subset}, {size(experiment)}, batch {experiment.fit.batch_size},"
            f" {_epochs(experiment, history)} in {minutes(history):.0f} minutes on"
            f" {environment.get('gpu') or environment['processor']}, {_cores(environment)},"
            f" {machine['precision']}, torch {environment['torch']}."
        ),
        *([note.read_text(encoding="utf-8").strip()] if note.is_file() else []),
        f"![curves]({run.curves.name})",
        *([f"![predictions on {sheet}]({sheet}.png)"] if sheet else []),
        _per_class(results | run.inference_results()),
        "Every result is in the [table of all](../../results.md).",
    ]
    return "\n\n".join(parts) + "\n"


def size(experiment: Experiment) -> str:
    """Of what size training images were, height first."""
    found = experiment.augment.crop or experiment.image_size
    return f"{found[0]}×{found[1]}" if found else "each image's size"


def minutes(history: list[EpochRecord]) -> float:
    """Wall time of all epochs."""
    return sum(record.seconds for record in history) / 60


def _per_class(results: dict[str, SplitResult]) -> str:
    names = next(iter(results.values())).iou
    head = f"| IoU | {' | '.join(results)} |\n|---|{'---:|' * len(results)}"
    rows = {n: [r.iou[n] for r in results.values()] for n in names}
    if any(r.inference for r in results.values()):  # other means are in the table of all
        rows = {"mean": [r.mean_iou for r in results.values()], **rows}
    return "\n".join([head, *(f"| {name} | {' | '.join(map(number, row))} |" for name, row in rows.items())])


def _epochs(experiment: Experiment, history: list[EpochRecord]) -> str:
    """How many epochs were trained, of how many where a number was asked for."""
    if experiment.fit.minutes is None:
        return f"{len(history)} of {experiment.fit.epochs} epochs"
    cut = (history[-1].images or 0) < (history[0].images or 0)
    return f"{len(history)} epochs, the last in part," if cut else f"{len(history)} epochs"


def _cores(environment: dict[str, Any]) -> str:
    """How many cores the machine has, and how many computed where those were fewer."""
    cores, threads = environment["cores"], environment["machine"]["threads"]
    fewer = environment["machine"]["device"] == "cpu" and threads < cores
    return f"{threads} of {cores} cores" if fewer else f"{cores} cores"
