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
from pixelwise.metrics.bootstrap import Difference, Differences, Verdict
from pixelwise.reporting.changes import changes
from pixelwise.reporting.published import published
from pixelwise.run import Run

METRICS = {
    "mean_iou": "mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "frequency_weighted_iou": "frequency-weighted IoU",
}
"""Scores of all classes together, and what they are called."""


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
        mean_accuracy: On the split.
        frequency_weighted_iou: On the split.
        iou: By class.
        published: The report's own mean IoU of this system, where the recipe is of a report.
    """

    name: str
    seeds: tuple[int, ...]
    mean_iou: Entry
    pixel_accuracy: Entry
    mean_accuracy: Entry
    frequency_weighted_iou: Entry
    iou: dict[str, Entry]
    published: float | None

    @property
    def metrics(self) -> dict[str, Entry]:
        """The scores of all classes together, by the names that a reader knows them by."""
        return {title: getattr(self, name) for name, title in METRICS.items()}


class Picture(Spec):
    """An image on which two groups differ.

    Attributes:
        column: The group that is compared with the first.
        ahead: Whether it is ahead of the first here, or behind.
        image: Which image.
        gain: Mean IoU of the image, minus the first group's.
        file: The picture.
    """

    column: str
    ahead: bool
    image: str
    gain: float
    file: str


class Comparison(Spec):
    """What the page shows.

    Attributes:
        data: The data set.
        split: Evaluated.
        images: How many.
        level: Of the intervals.
        seeds_known: Whether some recipe has several seeds, so that the intervals know what a seed does.
        together: Mean IoU of one recipe's seeds, where there is but one recipe, whose seeds are the columns.
        columns: The groups, the first being what the others are compared with.
        pictures: Of images on which groups differ.
    """

    data: str
    split: str
    images: int
    level: float
    seeds_known: bool
    together: Entry | None = None
    columns: tuple[Column, ...]
    pictures: tuple[Picture, ...] = ()

    @property
    def single_seeds(self) -> list[str]:
        """The groups of one run, of whose seeds nothing is known."""
        return [column.name for column in self.columns if len(column.seeds) == 1]


def group(runs: Sequence[Run]) -> list[Group]:
    """Runs by what was asked but for the seed, in the order in which they were given."""
    asked: dict[str, list[Run]] = {}
    for run in runs:
        experiment = run.experiment.model_dump(mode="json")
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


def compare(groups: Sequence[Group], split: str, data: str) -> Comparison:
    """Scores and differences on a split that all runs were evaluated on.

    Raises:
        RunError: A run was not evaluated on the split, two of a group have the same seed, or images or classes differ.
    """
    matrices = [_matrices(found, split) for found in groups]
    spread, together = bootstrap.seed_variation(matrices), None
    if len(groups) == 1:
        together = _entry([confusion.mean_iou(matrix) for matrix in matrices[0].sum(1)], None)
        groups, matrices = by_seed(groups), [one[None] for one in matrices[0]]
    first = groups[0].runs[0].results()[split]
    differences = [None, *(bootstrap.compare(matrices[0], of_group, spread) for of_group in matrices[1:])]
    return Comparison(
        data=data,
        split=split,
        images=first.images,
        level=bootstrap.LEVEL,
        seeds_known=spread.freedom > 0,
        together=together,
        columns=tuple(
            _column(found, split, of_group.sum(1), list(first.iou), difference)
            for found, of_group, difference in zip(groups, matrices, differences, strict=True)
        ),
    )


def by_seed(groups: Sequence[Group]) -> list[Group]:
    """One recipe's runs as groups of their own: with nothing else to compare, its seeds are. Others as they are."""
    if len(groups) > 1:
        return list(groups)
    return [Group(f"{groups[0].name}, seed {_seed(run)}", [run]) for run in groups[0].runs]


def _column(
    found: Group, split: str, sums: Int64[np.ndarray, "S K K"], names: Sequence[str], differences: Differences | None
) -> Column:
    iou = np.array([confusion.iou(matrix) for matrix in sums])
    metrics = {
        name: _entry([getattr(confusion, name)(matrix) for matrix in sums], differences and getattr(differences, name))
        for name in METRICS
    }
    classes = {
        name: _entry(list(iou[:, place]), differences and differences.iou[place]) for place, name in enumerate(names)
    }
    seeds = tuple(_seed(run) for run in found.runs)
    return Column(name=found.name, seeds=seeds, **metrics, iou=classes, published=_published(found, split))


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
    """Checks that runs were evaluated on the same images of the same classes.

    Raises:
        RunError: They were not.
    """
    ids, classes = runs[0].per_image(split)[0], list(runs[0].results()[split].iou)
    for run in runs[1:]:
        if list(run.results()[split].iou) != classes:
            raise RunError(f"{runs[0].path} and {run.path} have different classes and cannot be compared.")
        if run.per_image(split)[0] != ids:
            raise RunError(f"{runs[0].path} and {run.path} were evaluated on different images of '{split}'.")


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
    return run.experiment.fit.seed


def _published(found: Group, split: str) -> float | None:
    key, _, system = found.runs[0].experiment.name.partition("/")
    report = published().get(key)
    scores = report.systems[system].scores if report and system in report.systems else {}
    for printed in (split, "unstated"):
        if printed in scores:
            return scores[printed].get("mean_iou")
    return None
