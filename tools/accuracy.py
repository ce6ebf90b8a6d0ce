"""docs/accuracy.md: what each ingredient of training brings, from the records of one recipe with one change each."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pixelwise import recipes
from pixelwise.experiment import Experiment
from pixelwise.reporting.changes import leaves, text
from pixelwise.reporting.pages import signed
from pixelwise.run import Run

RECIPE = "camvid/ablation"
SPLITS = ("val", "held_out")
MACHINE = ("fit.seed", "fit.workers", "fit.device")
"""Fields that change no method."""

HEAD = f"""\
# Accuracy

What each ingredient brings, measured one at a time: `{RECIPE}` as it is, and with one change. Made by
`python -m tools.results` from the records under `docs/runs/`.

```bash
pixelwise train {RECIPE} --set fit.ema_decay=0.99
```

Every run learns for the same number of steps, from scratch, from CamVid's drives `0001TP` and `0016E5` at 288×384. The
epoch that is best on `val` is evaluated on two splits. `val` is seven seconds of `0016E5`, of which the training split has
the seconds before and after: it tells how well that drive is learned. `held_out` is the drive `0006R0`, of which nothing
was learned: it tells what is worth keeping for another drive, as those of CamVid's test split are. The test split was
not looked at. Rates and all else are those of the plain recipe, which favours it: an ingredient that wants more steps,
as strong augmentation may, can look worse here than in a long training.
"""

SEARCHES = """\
## Longer trainings

By twenty passes little is decided: what slows learning down looks bad. So the changes were tried again over far more
crops, and for other recipes some alone. What the programs printed, class by class and with the trainings that the clock
ended, is in the file beside each table, which says too where there are run folders. One seed each, chosen among on the
splits that are shown; differences are to the first row.
"""


def page(docs: Path) -> str:
    """The page, from the records, the searches and the notes."""
    runs = [Run.open(folder) for folder in sorted((docs / "runs").iterdir()) if folder.is_dir()]
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        experiment = run.experiment
        if experiment.name == RECIPE:
            groups[change(experiment)].append(run)
    notes = docs / "accuracy_notes.md"
    parts = [HEAD, *_table(groups), "", SEARCHES, *_searches(docs)]
    if notes.is_file():
        parts.append(notes.read_text(encoding="utf-8"))
    return "\n".join(parts).strip() + "\n"


def change(experiment: Experiment) -> str:
    """In what an experiment differs from the recipe, as `--set` takes it; empty for the recipe itself.

    Of another network its kind is said, and what differs from that kind's own defaults.
    """
    recipe = recipes.get(experiment.name)
    asked, usual = (leaves(e.model_dump(mode="json")) for e in (experiment, recipe))
    if experiment.model.kind != recipe.model.kind:
        defaults = type(experiment.model).model_validate({}).model_dump(mode="json") | {
            "kind": recipe.model.kind,
            "weights": None,
        }
        usual |= {f"model.{name}": value for name, value in leaves(defaults).items()}
    changed = {path: value for path, value in asked.items() if path not in MACHINE and usual.get(path, ...) != value}
    return " ".join(f"{path}={text(value)}" for path, value in changed.items())


def _table(groups: dict[str, list[Run]]) -> Iterator[str]:
    """A row for each change: its scores, and how much they differ from the plain recipe's."""
    plain = {split: _scores(groups.get("", []), split) for split in SPLITS}
    yield f"| change | seeds | {' | '.join(f'{split}: mean IoU | − plain' for split in SPLITS)} | records |"
    yield f"|---|---:|{'---:|---:|' * len(SPLITS)}---|"
    for what, runs in sorted(groups.items(), key=lambda group: (group[0] != "", group[0])):
        cells = [f"`{what}`" if what else "none: the plain recipe", str(len(runs))]
        for split in SPLITS:
            scores = _scores(runs, split)
            spread = f" ± {stdev(scores):.4f}" if len(scores) > 1 else ""
            cells.append(f"{mean(scores):.4f}{spread}")
            cells.append(signed(mean(scores) - mean(plain[split])) if what and plain[split] else "")
        links = (f"[{run.path.name.removeprefix('camvid-ablation-')}](runs/{run.path.name}/README.md)" for run in runs)
        yield f"| {' | '.join([*cells, ' '.join(links)])} |"


def _searches(docs: Path) -> Iterator[str]:
    """A table for each group of trainings of a search that were evaluated at their end."""
    for file in sorted((docs / "searches").glob("*.json")):
        search = json.loads(file.read_text(encoding="utf-8"))
        for group in search["groups"]:
            rows = [row for row in group["rows"] if "mean_iou" in row]
            if rows:
                changed = f" with `{_said(group['set'])}`" if group["set"] else ""
                long = f"{group['crops']:,} crops" if "crops" in group else f"{group['minutes']} minutes each"
                yield f"`{group['recipe']}`{changed}, {long}"
                yield f"([{file.name}](searches/{file.name}): {search['machine']}; {group['about']}):"
                yield ""
                yield from _search_table(rows)
                yield ""


def _search_table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    splits = list(rows[0]["mean_iou"])
    yield f"| change | {' | '.join(f'{split}: mean IoU | − first' for split in splits)} |"
    yield f"|---|{'---:|---:|' * len(splits)}"
    for row in rows:
        what = [f"`{_said(row['set'])}`"] if row["set"] else []
        cells = ["; ".join([*what, *([row["besides"]] if "besides" in row else [])]) or "none"]
        for split in splits:
            score, first = row["mean_iou"][split], rows[0]["mean_iou"][split]
            cells += [f"{score:.4f}", "" if row is rows[0] else signed(score - first)]
        yield f"| {' | '.join(cells)} |"


def _said(values: Mapping[str, str]) -> str:
    return " ".join(f"{path}={value}" for path, value in values.items())


def _scores(runs: Sequence[Run], split: str) -> list[float]:
    return [run.results()[split].mean_iou or 0.0 for run in runs]
