"""Comparison of runs: scores of each recipe and confidence intervals of their differences, from the run folders."""

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
"""Score over all classes -> its name on pages."""


class Group(NamedTuple):
    """Runs of one experiment with different seeds.

    Attributes:
        name: Name of the recipe, followed by the fields in which it differs from the first group of that recipe.
        runs: One run per seed.
    """

    name: str
    runs: list[Run]


class Entry(Spec):
    """One score of one group.

    Attributes:
        value: Mean over the seeds; None if it is undefined.
        spread: Standard deviation over the seeds; None with one seed.
        difference: Value - value of the first group; None for the first group.
        low: Lower end of the confidence interval of the difference.
        high: Upper end.
        verdict: Whether the group is better or worse than the first group; None for the first group.
    """

    value: float | None
    spread: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None


class Column(Spec):
    """Scores of one group on the split.

    Attributes:
        name: Name of the group.
        seeds: Seeds of its runs.
        mean_iou: Mean IoU.
        pixel_accuracy: Pixel accuracy.
        mean_accuracy: Mean accuracy.
        frequency_weighted_iou: Frequency-weighted IoU.
        iou: Class -> IoU.
        published: Mean IoU that a report prints for this system; None for other recipes.
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
        """Name on pages -> score over all classes."""
        return {title: getattr(self, name) for name, title in METRICS.items()}


class Picture(Spec):
    """Figure of an image on which a group differs from the first group.

    Attributes:
        column: Name of the group.
        ahead: Whether its mean IoU of the image is higher than that of the first group.
        image: Id of the image.
        gain: Mean IoU of the image - that of the first group.
        file: File of the figure, relative to the folder of the page.
    """

    column: str
    ahead: bool
    image: str
    gain: float
    file: str


class Comparison(Spec):
    """Contents of the comparison page.

    Attributes:
        data: Name of the data set.
        split: Name of the evaluated split.
        images: Number of its images.
        level: Confidence level of the intervals.
        seeds_known: Whether a recipe has several seeds, so that the intervals include the variation between seeds.
        together: Mean IoU over the seeds of a comparison of one recipe, whose columns are its seeds; else None.
        columns: The groups; the others are compared with the first.
        pictures: Figures of images on which groups differ.
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
        """Names of the groups with a single run."""
        return [column.name for column in self.columns if len(column.seeds) == 1]


def group_runs(runs: Sequence[Run]) -> list[Group]:
    """Groups runs whose experiments differ in nothing but the seed, in the given order."""
    by_experiment: dict[str, list[Run]] = {}
    for run in runs:
        experiment = run.experiment.model_dump(mode="json")
        experiment["fit"].pop("seed")
        by_experiment.setdefault(json.dumps(experiment, sort_keys=True), []).append(run)
    parsed = [(json.loads(key), members) for key, members in by_experiment.items()]
    names = [experiment["name"] for experiment, _ in parsed]
    groups = []
    for experiment, members in parsed:
        name = experiment["name"]
        if names.count(name) > 1:
            first = next(other for other, _ in parsed if other["name"] == name)
            changed = [f"{path}={value}" for path, (_, value) in changes(first, experiment).items()]
            name = f"{name}, {' '.join(changed)}" if changed else name
        groups.append(Group(name, members))
    return groups


def compare_groups(groups: Sequence[Group], split: str, data: str) -> Comparison:
    """Compares groups on a split that all runs were evaluated on.

    Args:
        groups: The groups; the others are compared with the first. The runs of a single group are compared by seed.
        split: Name of the split.
        data: Name of the data set.

    Raises:
        RunError: A run was not evaluated on the split, two of a group have the same seed, or images or classes differ.
    """
    matrices = [_matrices(members, split) for members in groups]
    spread, together = bootstrap.seed_variation(matrices), None
    if len(groups) == 1:
        together = _entry([confusion.mean_iou(matrix) for matrix in matrices[0].sum(1)], None)
        groups, matrices = by_seed(groups), [of_seed[None] for of_seed in matrices[0]]
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
            _column(members, split, of_group.sum(1), list(first.iou), difference)
            for members, of_group, difference in zip(groups, matrices, differences, strict=True)
        ),
    )


def by_seed(groups: Sequence[Group]) -> list[Group]:
    """Splits a single group into one group per seed; returns several groups unchanged."""
    if len(groups) > 1:
        return list(groups)
    return [Group(f"{groups[0].name}, seed {_seed(run)}", [run]) for run in groups[0].runs]


def _column(
    group: Group, split: str, sums: Int64[np.ndarray, "S K K"], names: Sequence[str], differences: Differences | None
) -> Column:
    iou = np.array([confusion.iou(matrix) for matrix in sums])
    metrics = {
        name: _entry([getattr(confusion, name)(matrix) for matrix in sums], differences and getattr(differences, name))
        for name in METRICS
    }
    classes = {
        name: _entry(list(iou[:, index]), differences and differences.iou[index]) for index, name in enumerate(names)
    }
    seeds = tuple(_seed(run) for run in group.runs)
    return Column(name=group.name, seeds=seeds, **metrics, iou=classes, published=_published(group, split))


def image_scores(group: Group, split: str) -> Float[np.ndarray, " N"]:
    """Mean IoU of each image, averaged over the seeds of a group."""
    scores = [[confusion.mean_iou(matrix) for matrix in run.per_image(split)[1]] for run in group.runs]
    averaged: Float[np.ndarray, " N"] = np.mean(scores, 0)
    return averaged


def _matrices(group: Group, split: str) -> Int64[np.ndarray, "S N K K"]:
    seeds = [_seed(run) for run in group.runs]
    if len(set(seeds)) < len(seeds):
        raise RunError(f"two runs of {group.name} have the same seed; give each run once.")
    return np.stack([run.per_image(split)[1] for run in group.runs])


def check_comparable(runs: Sequence[Run], split: str) -> None:
    """Checks that runs have the same classes and were evaluated on the same images.

    Raises:
        RunError: The classes or the images differ.
    """
    ids, classes = runs[0].per_image(split)[0], list(runs[0].results()[split].iou)
    for run in runs[1:]:
        if list(run.results()[split].iou) != classes:
            raise RunError(f"{runs[0].path} and {run.path} have different classes; give runs on the same data set.")
        if run.per_image(split)[0] != ids:
            raise RunError(
                f"{runs[0].path} and {run.path} were evaluated on different images of '{split}'; evaluate both on the"
                " same data."
            )


def _entry(values: list[float], difference: Difference | None) -> Entry:
    defined = [value for value in values if np.isfinite(value)]
    if len(defined) < len(values):
        return Entry(value=None, spread=None, verdict=difference and "cannot tell")
    spread = stdev(defined) if len(defined) > 1 else None
    if difference is None:
        return Entry(value=mean(defined), spread=spread)
    value, low, high = (number if np.isfinite(number) else None for number in difference)
    return Entry(value=mean(defined), spread=spread, difference=value, low=low, high=high, verdict=difference.verdict)


def _seed(run: Run) -> int:
    return run.experiment.fit.seed


def _published(group: Group, split: str) -> float | None:
    key, _, system = group.runs[0].experiment.name.partition("/")
    report = published().get(key)
    scores = report.systems[system].scores if report and system in report.systems else {}
    for printed in (split, "unstated"):
        if printed in scores:
            return scores[printed].get("mean_iou")
    return None
