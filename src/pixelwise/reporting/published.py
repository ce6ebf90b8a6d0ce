"""What the five reports published: their numbers by system, split and metric, with what a reader should be told.

The numbers are in published.toml, in tables that can be held against the reports' own.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from pixelwise.core.spec import Spec

PublishedSplit = Literal["val", "test", "unstated"]

SUMMARIES = ("mean_iou", "pixel_accuracy", "loss")
"""Metrics of a whole split; every other metric is a class, and its value that class's IoU."""


class System(Spec):
    """One row of a report's table.

    Attributes:
        printed: What the report calls it.
        scores: Split -> metric -> value. A metric is one of `SUMMARIES`, or the name of a class.
    """

    printed: str
    scores: dict[PublishedSplit, dict[str, float]]


class Report(Spec):
    """A report and all that its result tables say.

    Attributes:
        title: As on its first page.
        authors: As named there; where it is anonymous, who it says wrote it.
        dataset: Kind of the data set.
        split: The split whose numbers a result of one's own is held against.
        tables: Where in the report they are.
        protocol: How they came about, and what of that is not stated.
        notes: What a reader should be told.
        systems: By name, in the tables' order; the recipe of a system is `<report>/<name>`.
    """

    title: str
    authors: tuple[str, ...]
    dataset: str
    split: PublishedSplit
    tables: str
    protocol: str
    notes: tuple[str, ...]
    systems: dict[str, System]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes whose IoU it lists, in its order."""
        first = next(iter(self.systems.values()))
        return tuple(metric for metric in first.scores[self.split] if metric not in SUMMARIES)


@cache
def published() -> dict[str, Report]:
    """Every report by its key, `kerr-voc2007` for one."""
    text = resources.files("pixelwise.reporting").joinpath("published.toml").read_text("utf-8")
    return {key: _report(**tables) for key, tables in tomllib.loads(text).items()}


def _report(scores: dict[str, dict[str, Any]], systems: dict[str, str], **fields: Any) -> Report:
    """A report of its tables: every system has a row in each, and every row a number for each column."""

    def row(name: str) -> dict[str, Any]:
        numbers = {split: dict(zip(table["columns"], table[name], strict=True)) for split, table in scores.items()}
        return {"printed": systems[name], "scores": numbers}

    return Report(systems={name: System.model_validate(row(name)) for name in systems}, **fields)
