"""docs/results.md from the records under docs/runs: every number on that page is read, none is typed.

`python -m tools.results RUN ...` adds records of runs and makes the page anew.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev

from pixelwise import recipes
from pixelwise.core.files import write_text
from pixelwise.experiment import Experiment
from pixelwise.metrics.scores import SplitResult
from pixelwise.reporting.comparison import Column, Comparison
from pixelwise.reporting.pages import number, signed
from pixelwise.reporting.published import published
from pixelwise.reporting.reproduction import FEW_EPOCHS, Row, Trial, compare
from pixelwise.run import Run
from tools import accuracy, minutes, records

HEAD = """\
# Results

Measured with pixelwise. Each row is read from a run's record under `docs/runs/`: the experiment, the machine, every
epoch, the scores with their confusion matrix, and the SHA-256 of the weights; the record's page has the command, the
curves and every class. Scores are of the checkpoint with the best validation score, evaluated at the images' original
size; where the test split was looked at before, or anything else differs from the command, the record's page says so.
*Trivial* is the predictor that gives every pixel the training split's commonest class. In brackets is, where it was
kept, what other images might have given (95%, [how](metrics.md#one-score)). Minutes are wall time on a
machine that did other work beside. Made by `python -m tools.results`.
"""

MINUTES = """\
## What minutes buy

The recipes that are meant to be as good as two cores and some minutes allow, beside the reports' best networks, trained
here on the same images for as long. They were found on training and validation splits ([accuracy](accuracy.md)).
"""

REPORT = """\
Published is the report's own number, on {split} of {published_on}; measured is {evaluated}. A system with fewer than
{few} epochs is called under-trained. What each report leaves open: [reports](reports.md#{key}).
"""

SEEDS = """\
## Losses and class weights on CamVid

The reports compare losses and class weights by one run each. Here every one has several seeds, which decide the first
weights, the order of the images and their augmentation: what differs by less than the seeds do is chance. ± is the
standard deviation over seeds. Beside it, what `pixelwise compare` says of the difference to cross-entropy, with its 95%
interval: images are drawn again, the same for both losses, and the spread over seeds is added. Its records, with every
class, are in `docs/comparisons/`.
"""

STUDY, REFERENCE = "camvid/loss-", "camvid/loss-cross-entropy"
COMPARISON = "comparisons/camvid-losses-{split}.json"
"""Below the docs: what `pixelwise compare` wrote of the study's runs, cross-entropy first."""


def page(docs: Path) -> str:
    """The results page, from the records."""
    runs = [Run.open(folder) for folder in sorted((docs / "runs").iterdir()) if folder.is_dir()]
    by_recipe: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_recipe[_experiment(run).name].append(run)
    single = [run for name, found in by_recipe.items() if not _elsewhere(name) for run in found]
    sections = [HEAD, *_table(single)]
    if bought := minutes.table(docs):
        sections += ["", MINUTES, bought, "", minutes.papers()]
    study = {name: found for name, found in by_recipe.items() if name.startswith(STUDY)}
    if study:
        sections += ["", SEEDS, *_seeds(study, docs)]
    for key in published():
        found = [run for name, runs_of in by_recipe.items() if name.startswith(f"{key}/") for run in runs_of]
        if found:
            sections += ["", *_report(key, found, docs)]
    return "\n".join(sections) + "\n"


def _elsewhere(name: str) -> bool:
    """Whether a recipe's results stand in a section of their own."""
    return name.startswith(STUDY) or name == accuracy.RECIPE or name.split("/")[0] in published()


def _table(runs: Sequence[Run]) -> Iterator[str]:
    yield "| recipe | split | images | mean IoU | trivial | pixel accuracy | trivial | epochs | minutes | record |"
    yield "|---|---|---|---:|---:|---:|---:|---|---:|---|"
    for run in runs:
        history = run.history()
        for result in (run.results() | run.inference_results()).values():
            cells = [
                _experiment(run).name,
                result.name,
                result.size,
                f"{number(result.mean_iou)}{_interval(result)} ({result.classes_in_mean} classes)",
                number(result.majority_baseline.mean_iou),
                number(result.pixel_accuracy),
                number(result.majority_baseline.pixel_accuracy),
                f"best {result.epoch} of {len(history)}",
                f"{records.minutes(history):.0f}",
                _link(run),
            ]
            yield f"| {' | '.join(cells)} |"


def _interval(result: SplitResult) -> str:
    return f" [{'–'.join(map(number, result.mean_iou_ci95))}]" if result.mean_iou_ci95 else ""


def _seeds(study: dict[str, list[Run]], docs: Path) -> Iterator[str]:
    """Mean and spread of each recipe over its seeds, and its difference to the reference."""
    splits = list(next(iter(study.values()))[0].results())
    columns = {split: _columns(docs / COMPARISON.format(split=split)) for split in splits}
    heads = [f"{split}: mean IoU | − cross-entropy" for split in splits]
    yield f"| recipe | seeds | epochs | {' | '.join(heads)} | records |"
    yield f"|---|---:|---:|{'---:|---|' * len(splits)}---|"
    for name in sorted(study, key=lambda name: name != REFERENCE):
        runs = {_experiment(run).fit.seed: run for run in study[name]}
        epochs = sorted({len(run.history()) for run in runs.values()})
        cells = [name, str(len(runs)), "–".join(map(str, dict.fromkeys((epochs[0], epochs[-1]))))]
        for split in splits:
            scores = [run.results()[split].mean_iou or 0.0 for run in runs.values()]
            spread = f" ± {stdev(scores):.4f}" if len(scores) > 1 else ""
            cells += [f"{mean(scores):.4f}{spread}", _difference(columns[split].get(name))]
        cells.append(" ".join(f"[{seed}](runs/{run.path.name}/README.md)" for seed, run in runs.items()))
        yield f"| {' | '.join(cells)} |"


def _columns(file: Path) -> dict[str, Column]:
    """The recipes of a comparison that is at hand."""
    if not file.is_file():
        return {}
    return {column.name: column for column in Comparison.from_json(file.read_text(encoding="utf-8")).columns}


def _difference(column: Column | None) -> str:
    """To the comparison's first column, in words and figures."""
    if column is None or column.mean_iou.difference is None:
        return "–"
    entry = column.mean_iou
    return f"{entry.verdict}: {signed(entry.difference)} ({signed(entry.low)} to {signed(entry.high)})"


def _report(key: str, runs: Sequence[Run], docs: Path) -> Iterator[str]:
    report = published()[key]
    split = "a split that it does not name" if report.split == "unstated" else report.split
    trials = [_trial(key, run) for run in runs]
    result = compare(key, report, trials, docs)
    evaluated = sorted({next(iter({t.evaluated[report.split] for t in trials}))})
    kinds = sorted({_experiment(run).data.kind for run in runs})
    yield f"## {key}\n"
    yield REPORT.format(
        split=split,
        published_on=report.dataset,
        evaluated=f"on {evaluated[0]} of {', '.join(kinds)}",
        few=FEW_EPOCHS,
        key=key,
    )
    for sentence in result.shared:
        yield f"- in every system: {sentence}"
    heads = ["system", "published mean IoU", "measured", "published accuracy", "measured", "trained"]
    yield f"\n| {' | '.join([*heads, 'what else differs', 'record'])} |"
    yield "|---|---:|---:|---:|---:|---|---|---|"
    for row in result.rows:
        yield f"| {' | '.join(_cells(row, report.split, result.shared))} |"
    for predictor, values in result.majority_baseline.items():
        found = {v.metric: v.measured for v in values if v.split == report.split}
        yield f"| {predictor} | – | {number(found['mean_iou'])} | – | {number(found.get('pixel_accuracy'))} | | | |"


def _cells(row: Row, split: str, shared: Sequence[str]) -> Iterator[str]:
    values = {value.metric: value for value in row.values if value.split == split}
    yield row.system
    for metric in ("mean_iou", "pixel_accuracy"):
        value = values.get(metric)
        yield number(value.published if value else None)
        yield number(value.measured if value else None)
    yield row.trained or "not run"
    yield "; ".join(sentence for sentence in row.differs if sentence not in shared)
    yield f"[{Path(row.run).name}]({row.run}/README.md)" if row.run else ""


def _trial(key: str, run: Run) -> Trial:
    """A record as a row of its report: a run of the recipe itself by its system's name, others by their own."""
    experiment = _experiment(run)
    system, usual = experiment.name.removeprefix(f"{key}/"), f"{experiment.name.replace('/', '-')}-seed"
    own = run.path.name.removeprefix(f"{key}-").removesuffix(f"-seed{experiment.fit.seed}")
    name = system if run.path.name.startswith(usual) else own
    recipe = recipes.get(experiment.name).model_dump(mode="json")
    scores = next(iter(published()[key].systems.values())).scores
    evaluated = {split: split if split in run.results() else experiment.data.val_split for split in scores}
    return Trial(name, run, recipe, evaluated)


def _experiment(run: Run) -> Experiment:
    return run.experiment


def _link(run: Run) -> str:
    return f"[{run.path.name}](runs/{run.path.name}/README.md)"


def main(words: Sequence[str] | None = None, docs: Path = Path("docs")) -> None:
    """Adds records of runs and writes their pages, the page of all, and what ingredients bring."""
    parser = argparse.ArgumentParser(prog="python -m tools.results", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", type=Path, help="folder of a finished run")
    parser.add_argument("--name", help="the record's, for a run with other settings than its recipe's; one run only")
    asked = parser.parse_args(words)
    if asked.name and len(asked.runs) != 1:
        parser.error("--name goes with one run")
    for folder in asked.runs:
        records.add(Run.open(folder), docs, asked.name)
    for folder in sorted((docs / "runs").iterdir()):
        write_text(folder / records.PAGE, records.page(Run.open(folder)))
    write_text(docs / "results.md", page(docs))
    write_text(docs / "accuracy.md", accuracy.page(docs))
    readme = docs.parent / "README.md"
    if readme.is_file():
        write_text(readme, minutes.placed(readme.read_text(encoding="utf-8"), docs))


if __name__ == "__main__":
    main()
