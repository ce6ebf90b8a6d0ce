"""Runs beside each other: tables, intervals, and the images where each is ahead."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise.core.errors import RunError
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.data import find_data_root
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment
from pixelwise.inference.predictor import Predictor
from pixelwise.reporting.comparison import (
    Comparison,
    Group,
    Picture,
    by_seed,
    check_comparable,
    group,
    image_scores,
)
from pixelwise.reporting.comparison import (
    compare as compare_groups,
)
from pixelwise.reporting.comparison_page import html
from pixelwise.run import Run
from pixelwise.viz.errors import difference_map
from pixelwise.viz.qualitative import save_systems

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


def compare(
    runs: Sequence[Run | Path | str],
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | str = "comparison",
) -> Compared:
    """Compares runs with the first of them. Runs that differ in their seed alone are taken together.

    Args:
        runs: Two or more.
        split: What they are compared on; None takes test where every run was evaluated on it, else the validation split. A
            run that was not evaluated on it is evaluated now.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        out: The folder of the page; a new or empty one.

    Raises:
        RunError: A run cannot be used, `out` is not empty, or they have not the same images and classes.
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is not there.
        DataError: A file cannot be used.
    """
    check_free(Path(out), "a comparison")
    opened = [Run.open(run) for run in runs]
    if len(opened) < 2:
        raise RunError("one run cannot be compared: give two or more run folders.")
    experiments = [run.experiment for run in opened]
    if len({experiment.data.to_json() for experiment in experiments}) > 1:
        kinds = ", ".join(f"{run.path} ({e.data.kind})" for run, e in zip(opened, experiments, strict=True))
        raise RunError(f"runs on different data cannot be compared: {kinds}.")
    data, root, folder = experiments[0].data, find_data_root(data_root), Path(out)
    split = split or ("test" if all("test" in run.results() for run in opened) else data.val_split)
    for run in opened:
        if split not in run.results():
            evaluate(run, split, data_root=root)
    check_comparable(opened, split)
    groups = group(opened)
    result = compare_groups(groups, split, data.title or data.kind)
    make_folder(folder / "pictures")
    result = result.replace(pictures=tuple(_draw(by_seed(groups), split, experiments[0], root, folder)))
    page = folder / "comparison.html"
    write_text(page, html(result, folder))
    write_text(folder / "comparison.json", result.to_json() + "\n")
    return Compared(result, page)


def _draw(groups: Sequence[Group], split: str, experiment: Experiment, root: Path, folder: Path) -> Iterator[Picture]:
    """The images on which each group differs most from the first, through the first run of both."""
    dataset, space = experiment.data.build(split, root), experiment.data.label_space
    scores, predictors = [image_scores(found, split) for found in groups], [Predictor.load(g.runs[0]) for g in groups]
    for place, found in enumerate(groups[1:], 1):
        gain = np.nan_to_num(scores[place] - scores[0])
        order = np.argsort(gain)
        chosen = [*(i for i in order[::-1][:SHOWN] if gain[i] > 0), *(i for i in order[:SHOWN] if gain[i] < 0)]
        for number, index in enumerate(chosen, 1):
            image, labels, name = dataset[int(index)]
            pixels, true = image.permute(1, 2, 0).numpy(), labels.numpy().astype(np.uint8)
            said = [predictors[which](pixels) for which in (0, place)]
            file = f"pictures/{place}_{number}.png"
            predicted = {groups[0].name: said[0], found.name: said[1]}
            save_systems(pixels, true, predicted, space, folder / file, last={"who is right": difference_map(pixels, true, *said)})
            yield Picture(
                column=found.name, ahead=bool(gain[index] > 0), image=name, gain=float(gain[index]), file=file
            )
