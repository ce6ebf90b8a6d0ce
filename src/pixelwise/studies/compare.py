"""Runs beside each other: tables, intervals, and the images where each is ahead."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise.core.errors import RunError
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.data import find_data_root
from pixelwise.engine.evaluate import evaluate
from pixelwise.engine.predictor import Predictor
from pixelwise.experiment import Experiment
from pixelwise.report.comparison import Comparison, Group, check_comparable, compare, group, image_scores
from pixelwise.report.comparison_page import html
from pixelwise.runs import Run
from pixelwise.viz.intervals import Interval, save_intervals
from pixelwise.viz.systems import save_systems

SHOWN = 3
"""Images where a group is ahead, and where it is behind."""


class Compared(NamedTuple):
    """What came out.

    Attributes:
        result: The tables.
        page: Shows them, with pictures.
    """

    result: Comparison
    page: Path


def compare_runs(
    runs: Sequence[Run | Path | str],
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | str = "comparison",
) -> Compared:
    """Compares runs with the first of them. Runs that differ in their seed alone are taken together.

    Args:
        runs: Two or more.
        split: What they are compared on; None takes test where every run was judged on it, else the validation split. A
            run that was not judged on it is judged now.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        out: The folder of the page; a new or empty one.

    Raises:
        RunError: A run cannot be used, `out` is not empty, or they have not the same images and classes.
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is not there.
        BadData: A file cannot be used.
    """
    check_free(Path(out), "a comparison")
    opened = [Run.open(run.path if isinstance(run, Run) else run) for run in runs]
    if len(opened) < 2:
        raise RunError("one run cannot be compared: give two or more run folders.")
    experiments = [Experiment.from_json(run.experiment_json()) for run in opened]
    if len({experiment.data.to_json() for experiment in experiments}) > 1:
        kinds = ", ".join(f"{run.path} ({e.data.kind})" for run, e in zip(opened, experiments, strict=True))
        raise RunError(f"runs on different data cannot be compared: {kinds}.")
    data, root, folder = experiments[0].data, find_data_root(data_root), Path(out)
    split = split or ("test" if all("test" in run.results() for run in opened) else data.val_split)
    for run in opened:
        if split not in run.results():
            evaluate(run, split, root)
    check_comparable(opened, split)
    groups = group(opened)
    result = compare(groups, split)
    make_folder(folder / "pictures")
    intervals = _draw_intervals(result, folder)
    result = result.replace(intervals=intervals, pictures=_draw(groups, split, experiments[0], root, folder))
    page = folder / "comparison.html"
    write_text(page, html(result, folder))
    write_text(folder / "comparison.json", result.to_json() + "\n")
    return Compared(result, page)


def _draw_intervals(result: Comparison, folder: Path) -> dict[str, str]:
    drawn = {}
    for number, column in enumerate(result.columns[1:], 1):
        rows = {"mean IoU": column.mean_iou, "pixel accuracy": column.pixel_accuracy, **column.iou}
        known = [
            Interval(name, entry.difference, entry.low, entry.high)
            for name, entry in rows.items()
            if entry.difference is not None and entry.low is not None and entry.high is not None
        ]
        drawn[column.name] = f"pictures/intervals_{number}.png"
        save_intervals(known, folder / drawn[column.name], title=f"{column.name} minus {result.columns[0].name}")
    return drawn


def _draw(groups: Sequence[Group], split: str, experiment: Experiment, root: Path, folder: Path) -> dict[str, str]:
    """The images on which the groups differ most, each through every group's first run."""
    if len(groups) < 2:
        return {}
    dataset = experiment.data.build(split, root)
    predictors = {found.name: Predictor.load(found.runs[0]) for found in groups}
    scores = {found.name: image_scores(found, split) for found in groups}
    first = groups[0].name
    drawn: dict[str, str] = {}
    for found in groups[1:]:
        gain = np.nan_to_num(scores[found.name] - scores[first])
        order = np.argsort(gain)
        for index in (*order[::-1][:SHOWN], *order[:SHOWN]):
            sample = dataset[int(index)]
            ahead = found.name if gain[index] > 0 else first
            caption = f"{sample.id}: {ahead} is ahead by {abs(gain[index]):.3f}"
            file = f"pictures/{len(drawn) + 1}.png"
            image = sample.image.permute(1, 2, 0).numpy()
            predicted = {name: predictor(image) for name, predictor in predictors.items()}
            labels = sample.labels.numpy().astype(np.uint8)
            save_systems(image, labels, predicted, experiment.data.label_space, folder / file)
            drawn[caption] = file
    return drawn
