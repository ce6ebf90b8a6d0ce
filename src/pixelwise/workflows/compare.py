"""Comparison of runs: scores, confidence intervals of their differences, and images on which they differ most."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise.core.errors import RunError
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.data import find_data_root
from pixelwise.experiment import Experiment
from pixelwise.inference.predictor import Predictor
from pixelwise.reporting.comparison import (
    Comparison,
    Group,
    Picture,
    by_seed,
    check_comparable,
    compare_groups,
    group_runs,
    image_scores,
)
from pixelwise.reporting.comparison_page import html
from pixelwise.run import Run
from pixelwise.viz.errors import difference_map
from pixelwise.viz.qualitative import save_systems
from pixelwise.workflows.stored_results import result_of

SHOWN = 3
"""Maximum number of images shown on which a group is better than the first, and on which it is worse."""


class ComparisonOutput(NamedTuple):
    """Result of `compare`.

    Attributes:
        result: Scores and differences.
        page: HTML page that shows them, with figures.
    """

    result: Comparison
    page: Path


def compare(
    runs: Sequence[Run | Path | str],
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | str = "comparison",
) -> ComparisonOutput:
    """Compares runs with the first one. Runs that differ in nothing but the seed form a group.

    Args:
        runs: Two or more runs.
        split: Name of the split; None takes test if every run was evaluated on it, else the validation split. A run
            that was not evaluated on the split yet is evaluated first.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        out: Folder of the page, new or empty.

    Raises:
        RunError: A run cannot be used, `out` is not empty, or the runs differ in their images or classes.
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    check_free(Path(out), "a comparison")
    opened = [Run.open(run) for run in runs]
    if len(opened) < 2:
        raise RunError(f"a comparison needs two or more runs, not {len(opened)}; give two or more run folders.")
    experiments = [run.experiment for run in opened]
    if len({experiment.data.to_json() for experiment in experiments}) > 1:
        kinds = ", ".join(f"{run.path} ({e.data.kind})" for run, e in zip(opened, experiments, strict=True))
        raise RunError(f"runs on different data cannot be compared: {kinds}; give runs on the same data.")
    data, root, folder = experiments[0].data, find_data_root(data_root), Path(out)
    split = split or ("test" if all("test" in run.results() for run in opened) else data.val_split)
    for run in opened:
        result_of(run, split, data_root=root)
    check_comparable(opened, split)
    groups = group_runs(opened)
    result = compare_groups(groups, split, data.title or data.kind)
    make_folder(folder / "pictures")
    result = result.replace(pictures=tuple(_draw(by_seed(groups), split, experiments[0], root, folder)))
    page = folder / "comparison.html"
    write_text(page, html(result, folder))
    write_text(folder / "comparison.json", result.to_json() + "\n")
    return ComparisonOutput(result, page)


def _draw(groups: Sequence[Group], split: str, experiment: Experiment, root: Path, folder: Path) -> Iterator[Picture]:
    """Draws the images on which each group differs most from the first, predicted by the first run of both groups."""
    dataset, space = experiment.data.build(split, root), experiment.data.label_space
    scores = [image_scores(group, split) for group in groups]
    predictors = [Predictor.load(group.runs[0]) for group in groups]
    for position, group in enumerate(groups[1:], 1):
        gain = np.nan_to_num(scores[position] - scores[0])
        order = np.argsort(gain)
        selected = [*(i for i in order[::-1][:SHOWN] if gain[i] > 0), *(i for i in order[:SHOWN] if gain[i] < 0)]
        for number, index in enumerate(selected, 1):
            image, labels, name = dataset[int(index)]
            pixels, true = image.permute(1, 2, 0).numpy(), labels.numpy().astype(np.uint8)
            first, second = predictors[0](pixels), predictors[position](pixels)
            predictions = {groups[0].name: first, group.name: second}
            correct = {"correct in one only": difference_map(pixels, true, first, second)}
            file = f"pictures/{position}_{number}.png"
            save_systems(pixels, true, predictions, space, folder / file, last=correct)
            yield Picture(
                column=group.name, ahead=bool(gain[index] > 0), image=name, gain=float(gain[index]), file=file
            )
