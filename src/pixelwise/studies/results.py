"""docs/results.md and the records behind it: every number on that page is read from a record, none is typed.

`python -m pixelwise.studies.results RUN ...` adds records of runs to docs/runs and makes the page anew.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image as PilImage

from pixelwise import recipes
from pixelwise.core.files import new_folder, write_text
from pixelwise.data.images import write_png
from pixelwise.experiment import Experiment
from pixelwise.report.changes import leaves, text
from pixelwise.runs import Run
from pixelwise.scores import EpochRecord, SplitResult

HEAD = """\
# Results

Measured with pixelwise. Each row is read from a run's record under `docs/runs/`: the experiment, the machine, every
epoch, the scores with their confusion matrix, and the SHA-256 of the weights. Scores are of the checkpoint with the
best validation score, judged at the images' original size; where the test split was looked at before, or anything else
differs from the command, the run's section says so. *Trivial* is the predictor that gives every pixel the training
split's commonest class. Minutes are wall time on a machine that did other work beside. The page is made by
`python -m pixelwise.studies.results`.
"""

NOTE = "note.md"
"""What a reader of a record must know and no file of the run can say; written by hand."""


def record(run: Run, docs: Path) -> Path:
    """Copies what proves a run's numbers, without its weights, into `docs/runs/<name>-seed<n>`.

    Raises:
        RunError: The run is incomplete, or its record exists already.
    """
    experiment = Experiment.from_json(run.experiment_json())
    target = docs / "runs" / f"{experiment.name.replace('/', '-')}-seed{experiment.fit.seed}"
    new_folder(target, "a record")
    for file in run.records():
        write_text(target / file.name, file.read_text(encoding="utf-8"))
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (run.best, run.last)}
    write_text(target / "weights.json", json.dumps(hashes, indent=2) + "\n")
    for picture in (run.curves, *sorted(run.overlays.glob("*.png"))):
        shrunk = PilImage.open(picture).convert("RGB")
        shrunk.thumbnail((1200, 1600))
        # 256 colours are enough for a page, and keep pictures small in the repository.
        write_png(target / picture.name, shrunk.quantize(256))
    return target


def page(docs: Path) -> str:
    """The results page, from the records."""
    runs = [Run.open(folder) for folder in sorted((docs / "runs").iterdir()) if folder.is_dir()]
    rows = [row for run in runs for row in _rows(run)]
    sections = [_section(run) for run in runs]
    head = "| recipe | split | images | mean IoU | trivial | pixel accuracy | trivial | epochs | minutes | record |"
    return "\n".join([HEAD, head, "|---|---|---|---|---|---|---|---|---|---|", *rows, "", *sections])


def command(experiment: Experiment) -> str:
    """The command that trains an experiment: its recipe, and what differs from it."""
    asked, recipe = (leaves(e.model_dump(mode="json")) for e in (experiment, recipes.get(experiment.name)))
    seed = asked.pop("fit.seed")
    changed = {path: value for path, value in asked.items() if recipe.get(path, ...) != value}
    words = [f"--set {path}={text(value)}" for path, value in changed.items()]
    return " ".join(["pixelwise train", experiment.name, f"--seed {seed}", *words])


def _rows(run: Run) -> Iterator[str]:
    experiment, history = Experiment.from_json(run.experiment_json()), run.history()
    for result in run.results().values():
        cells = [
            experiment.name,
            result.split,
            result.size,
            f"{_score(result.mean_iou)} ({result.classes_in_mean} classes)",
            _score(result.trivial.mean_iou),
            _score(result.pixel_accuracy),
            _score(result.trivial.pixel_accuracy),
            f"best {result.epoch} of {len(history)}",
            f"{_minutes(history):.0f}",
            f"[{run.path.name}](runs/{run.path.name})",
        ]
        yield f"| {' | '.join(cells)} |"


def _section(run: Run) -> str:
    experiment, environment, history = Experiment.from_json(run.experiment_json()), run.environment(), run.history()
    machine, statistics = environment["machine"], environment["statistics"]
    size = f"{experiment.size[0]}×{experiment.size[1]}" if experiment.size else "each image's own size"
    published = experiment.data.published_sizes.get(experiment.data.train_split)
    subset = f" (a subset: as published {published})" if published and statistics["images"] < published else ""
    lines = [
        f"## {experiment.name}, seed {experiment.fit.seed}\n",
        f"```bash\n{command(experiment)}\n```\n",
        (
            f"{statistics['images']} training images{subset} at {size}, batch {experiment.fit.batch_size},"
            f" {_epochs(experiment, history)} in {_minutes(history):.0f} minutes on"
            f" {environment.get('gpu') or environment['processor']}, {environment['cores']} cores,"
            f" {machine['precision']}, torch {environment['torch']}.\n"
        ),
        *([note.read_text(encoding="utf-8")] if (note := run.path / NOTE).is_file() else []),
        f"![curves](runs/{run.path.name}/{run.curves.name})\n",
    ]
    results = run.results()
    sheet = next((s for s in ("test", *results) if (run.path / f"{s}.png").is_file()), None)
    if sheet:
        lines.append(f"![predictions on {sheet}](runs/{run.path.name}/{sheet}.png)\n")
    return "\n".join([*lines, _per_class(results), ""])


def _per_class(results: dict[str, SplitResult]) -> str:
    names = next(iter(results.values())).iou
    head = f"| IoU | {' | '.join(results)} |\n|---|{'---|' * len(results)}"
    return "\n".join([head, *(f"| {n} | {' | '.join(_score(r.iou[n]) for r in results.values())} |" for n in names)])


def _epochs(experiment: Experiment, history: list[EpochRecord]) -> str:
    """How many epochs were trained, of how many where a number was asked for."""
    if experiment.fit.minutes is None:
        return f"{len(history)} of {experiment.fit.epochs} epochs"
    cut = (history[-1].images or 0) < (history[0].images or 0)
    return f"{len(history)} epochs, the last in part," if cut else f"{len(history)} epochs"


def _minutes(history: list[EpochRecord]) -> float:
    return sum(record.seconds for record in history) / 60


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def main(folders: list[str], docs: Path = Path("docs")) -> None:
    """Adds records of runs and writes the page."""
    for folder in folders:
        record(Run.open(folder), docs)
    write_text(docs / "results.md", page(docs))


if __name__ == "__main__":
    main(sys.argv[1:])
