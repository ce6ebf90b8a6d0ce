"""Runs side by side, and what can be said of their differences, from their folders alone."""

import json
from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from pixelwise.core.errors import RunError
from pixelwise.core.spec import Spec
from pixelwise.metrics import bootstrap, confusion
from pixelwise.metrics.bootstrap import Difference, Verdict
from pixelwise.report.changes import changes
from pixelwise.report.published import published
from pixelwise.runs import Run


class Group(NamedTuple):
    """Runs of one experiment that differ in their seed alone.

    Attributes:
        name: The recipe's, with what tells it from other groups of the same recipe.
        runs: One for each seed.
    """

    name: str
    runs: list[Run]


class Entry(Spec):
    """One score of one group.

    Attributes:
        value: The mean over its seeds, None where undefined.
        spread: Standard deviation over its seeds, None with one.
        difference: To the first group.
        low: Lower end of the difference's interval.
        high: Upper end.
        verdict: What can be said; None for the first group.
    """

    value: float | None
    spread: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None


class Column(Spec):
    """One group.

    Attributes:
        name: Of the group.
        seeds: Of its runs.
        mean_iou: On the split.
        pixel_accuracy: On the split.
        iou: By class.
        published: The report's own mean IoU of this system, where the recipe is of a report.
    """

    name: str
    seeds: tuple[int, ...]
    mean_iou: Entry
    pixel_accuracy: Entry
    iou: dict[str, Entry]
    published: float | None


class Comparison(Spec):
    """What the page shows.

    Attributes:
        split: Judged.
        images: How many.
        level: Of the intervals.
        columns: The groups, the first being what the others are compared with.
        intervals: Each group but the first -> the picture of its differences.
        pictures: Caption -> file.
    """

    split: str
    images: int
    level: float
    columns: tuple[Column, ...]
    intervals: dict[str, str] = {}
    pictures: dict[str, str] = {}

    @property
    def single_seeds(self) -> list[str]:
        """The groups of one run, of whose seeds nothing is known."""
        return [column.name for column in self.columns if len(column.seeds) == 1]


def group(runs: Sequence[Run]) -> list[Group]:
    """Runs by what was asked but for the seed, in the order in which they were given."""
    asked: dict[str, list[Run]] = {}
    for run in runs:
        experiment = json.loads(run.experiment_json())
        experiment["fit"].pop("seed")
        asked.setdefault(json.dumps(experiment, sort_keys=True), []).append(run)
    found = [(json.loads(key), members) for key, members in asked.items()]
    names = [experiment["name"] for experiment, _ in found]
    groups = []
    for experiment, members in found:
        name = experiment["name"]
        if names.count(name) > 1:
            first = next(other for other, _ in found if other["name"] == name)
            differs = [f"{path}={now}" for path, (_, now) in changes(first, experiment).items()]
            name = f"{name}, {' '.join(differs)}" if differs else name
        groups.append(Group(name, members))
    return groups


def compare(groups: Sequence[Group], split: str) -> Comparison:
    """Scores and differences on a split that all runs were judged on.

    Raises:
        RunError: A run was not judged on the split, two of a group have the same seed, or images or classes differ.
    """
    matrices = [_matrices(found, split) for found in groups]
    first = groups[0].runs[0].results()[split]
    names = list(first.iou)
    columns = []
    for found, of_group in zip(groups, matrices, strict=True):
        differences = None if found is groups[0] else bootstrap.compare(matrices[0], of_group)
        sums = of_group.sum(1)
        iou = np.array([confusion.iou(matrix) for matrix in sums])
        columns.append(
            Column(
                name=found.name,
                seeds=tuple(_seed(run) for run in found.runs),
                mean_iou=_entry([confusion.mean_iou(m) for m in sums], differences and differences.mean_iou),
                pixel_accuracy=_entry(
                    [confusion.pixel_accuracy(m) for m in sums], differences and differences.pixel_accuracy
                ),
                iou={
                    name: _entry(list(iou[:, place]), differences and differences.iou[place])
                    for place, name in enumerate(names)
                },
                published=_published(found, split),
            )
        )
    return Comparison(split=split, images=first.images, level=bootstrap.LEVEL, columns=tuple(columns))


def image_scores(found: Group, split: str) -> Float[np.ndarray, " N"]:
    """Mean IoU of each image, the mean over a group's seeds."""
    scores = [[confusion.mean_iou(matrix) for matrix in run.per_image(split)[1]] for run in found.runs]
    each: Float[np.ndarray, " N"] = np.mean(scores, 0)
    return each


def _matrices(found: Group, split: str) -> Int64[np.ndarray, "S N K K"]:
    seeds = [_seed(run) for run in found.runs]
    if len(set(seeds)) < len(seeds):
        raise RunError(f"two runs of {found.name} have the same seed: give each run once.")
    return np.stack([run.per_image(split)[1] for run in found.runs])


def check_comparable(runs: Sequence[Run], split: str) -> None:
    """Checks that runs were judged on the same images of the same classes.

    Raises:
        RunError: They were not.
    """
    ids, classes = runs[0].per_image(split)[0], list(runs[0].results()[split].iou)
    for run in runs[1:]:
        if list(run.results()[split].iou) != classes:
            raise RunError(f"{runs[0].path} and {run.path} have different classes and cannot be compared.")
        if run.per_image(split)[0] != ids:
            raise RunError(f"{runs[0].path} and {run.path} were judged on different images of '{split}'.")


def _entry(values: list[float], difference: Difference | None) -> Entry:
    known = [value for value in values if np.isfinite(value)]
    if len(known) < len(values):
        return Entry(value=None, spread=None, verdict=difference and "cannot tell")
    spread = stdev(known) if len(known) > 1 else None
    if difference is None:
        return Entry(value=mean(known), spread=spread)
    value, low, high = (number if np.isfinite(number) else None for number in difference)
    return Entry(value=mean(known), spread=spread, difference=value, low=low, high=high, verdict=difference.verdict)


def _seed(run: Run) -> int:
    return int(json.loads(run.experiment_json())["fit"]["seed"])


def _published(found: Group, split: str) -> float | None:
    key, _, system = json.loads(found.runs[0].experiment_json())["name"].partition("/")
    report = published().get(key)
    scores = report.systems[system].scores if report and system in report.systems else {}
    for printed in (split, "unstated"):
        if printed in scores:
            return scores[printed].get("mean_iou")
    return None
