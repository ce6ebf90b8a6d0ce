"""Records of runs: folders below records/runs that prove the numbers of the documentation, each with a page."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image as PilImage

from pixelwise.core.files import new_folder, write_text
from pixelwise.data.images import write_png
from pixelwise.metrics.scores import SplitResult
from pixelwise.reporting.pages import number
from pixelwise.run import Run
from pixelwise.run.environment import Environment
from pixelwise.workflows.describe import image_size, minutes, train_command

RECORDS, DOCS = Path("records"), Path("docs")
"""Folders of the records and of the documentation, seen from the root of the repository."""
NOTE, PAGE = "note.md", "README.md"
"""Files of a record besides those of the run: facts that no file of the run contains, written by hand; and its page."""
BEST = {"val_mean_iou": "best validation mean IoU", "val_loss": "lowest validation loss"}
"""`fit.monitor` -> how the evaluated epoch was chosen."""


def add(run: Run, root: Path = RECORDS, name: str | None = None, *, pictures: bool = False) -> Path:
    """Copies the files that prove a run's numbers, without its weights, into a folder of `runs/`.

    Args:
        run: A finished and evaluated run.
        root: Folder of all records.
        name: Name of the folder; None is `<recipe>-seed<n>`. A run with other settings than its recipe needs a name.
        pictures: Whether to copy the training curves and one sheet of predictions, which the record's page then shows.
            Pictures take most of the space of a record: copy them only for a run that other pages refer to.

    Raises:
        RunError: The run is incomplete, or the record exists already.
    """
    experiment = run.experiment
    target = root / "runs" / (name or f"{experiment.name.replace('/', '-')}-seed{experiment.fit.seed}")
    new_folder(target, "a record")
    for file in run.records():
        write_text(target / file.name, file.read_text(encoding="utf-8"))
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (run.best, run.last)}
    write_text(target / "weights.json", json.dumps(hashes, indent=2) + "\n")
    for picture in _pictures(run) if pictures else ():
        shrunk = PilImage.open(picture).convert("RGB")
        shrunk.thumbnail((1200, 1600))
        # 256 colors are enough for a page, and keep pictures small in the repository.
        write_png(target / picture.name, shrunk.quantize(256))
    return target


def runs(root: Path = RECORDS) -> list[Run]:
    """The recorded runs, sorted by name.

    Args:
        root: Folder of all records.
    """
    return [Run.open(folder) for folder in sorted((root / "runs").iterdir()) if folder.is_dir()]


def page(run: Run) -> str:
    """The page of a record: command, conditions, note, pictures, and the IoU of every class.

    Args:
        run: The record.
    """
    experiment, note = run.experiment, run.path / NOTE
    sheet = next((s for s in _sheets(run) if (run.path / f"{s}.png").is_file()), None)
    parts = [
        f"# {run.path.name}",
        f"```bash\n{train_command(experiment)}\n```",
        "\n".join(_conditions(run)),
        *([note.read_text(encoding="utf-8").strip()] if note.is_file() else []),
        *([f"![Training curves]({run.curves.name})"] if run.curves.is_file() else []),
        *([f"![Predictions on {sheet}]({sheet}.png)"] if sheet else []),
        _per_class(run.all_results()),
        "All results: [results](../../../docs/results.md). Contents of this folder: [records](../../README.md).",
    ]
    return "\n\n".join(parts) + "\n"


def epochs(run: Run) -> str:
    """Length of a training in epochs, in words.

    Args:
        run: The run.
    """
    fit, history = run.experiment.fit, run.history()
    done, last = history[-1].epoch, history[-1].images
    words = f"{done} of {fit.epochs} epochs" if fit.epochs not in (None, done) else f"{done} epochs"
    words = "1 epoch" if done == 1 else words
    if fit.val_every > 1:
        words += f" with a validation every {fit.val_every} epochs"
    whole = max(fit.val_every * run.statistics.images, *(record.images or 0 for record in history))
    if fit.minutes is not None and last is not None and whole - last >= fit.batch_size:
        which = "the last epoch" if fit.val_every == 1 else f"the last {fit.val_every} epochs"
        words += f"; {'it' if done == 1 else which} ended at the time limit, after {last} of {whole} images"
    return words


def _conditions(run: Run) -> Iterator[str]:
    """A list of what the training used."""
    experiment, statistics, history = run.experiment, run.statistics, run.history()
    published = experiment.data.published_sizes.get(experiment.data.train_split)
    subset = f" (a subset of the {published} published ones)" if published and statistics.images < published else ""
    images = f"{statistics.images} images{subset}"
    yield f"- training: {images}, {image_size(experiment)}, batch size {experiment.fit.batch_size}"
    yield f"- length: {minutes(history):.0f} minutes, {epochs(run)}"
    evaluated = dict.fromkeys(result.epoch for result in run.all_results().values())
    yield f"- evaluated weights: epoch {', '.join(map(str, evaluated))} ({BEST[experiment.fit.monitor]})"
    yield f"- machine: {hardware(run.environment)}, {run.environment.machine.precision}, torch {run.environment.torch}"


def hardware(environment: Environment) -> str:
    """Processor or GPU, with the number of cores, and of the cores in use where those are fewer.

    Args:
        environment: Environment of a run.
    """
    cores, machine = environment.cores, environment.machine
    fewer = machine.device == "cpu" and machine.threads < cores
    used = f"{machine.threads} of {cores} cores" if fewer else f"{cores} cores"
    return f"{environment.gpu or environment.processor}, {used}"


def _sheets(run: Run) -> Iterator[str]:
    """Splits in the order of preference for the sheet of predictions."""
    yield from dict.fromkeys(("test", *run.results()))


def _pictures(run: Run) -> Iterator[Path]:
    """The pictures that the page shows: curves, and the sheet of the test split or else of another one."""
    if run.curves.is_file():
        yield run.curves
    yield from [sheet for split in _sheets(run) if (sheet := run.sheet(split)).is_file()][:1]


def _per_class(results: Mapping[str, SplitResult]) -> str:
    names = next(iter(results.values())).iou
    head = f"| IoU | {' | '.join(results)} |\n|---|{'---:|' * len(results)}"
    rows = {"mean": [r.mean_iou for r in results.values()]}
    rows |= {n: [r.iou[n] for r in results.values()] for n in names}
    return "\n".join([head, *(f"| {name} | {' | '.join(map(number, row))} |" for name, row in rows.items())])
