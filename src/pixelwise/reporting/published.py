"""Published numbers of the five reports, by system, split and metric, with their protocols and notes.

The numbers are in published.toml, in tables laid out as those of the reports.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from pixelwise.core.spec import Spec

PublishedSplit = Literal["val", "test", "unstated"]

SUMMARIES = ("mean_iou", "pixel_accuracy", "loss")
"""Metrics of a whole split. Every other metric is a class, and its value that class's IoU."""


class System(Spec):
    """One row of a report's table.

    Attributes:
        printed: Name of the system in the report.
        scores: Split -> metric -> value. A metric is one of `SUMMARIES` or the name of a class.
    """

    printed: str
    scores: dict[PublishedSplit, dict[str, float]]


class Report(Spec):
    """A report with the numbers of its result tables.

    Attributes:
        title: Title on its first page.
        authors: Authors on its first page; of an anonymous report, those named in its list of contributions.
        dataset: Kind of the data set.
        split: Split whose numbers measured results are compared with.
        tables: Tables of the report that contain the numbers.
        protocol: Protocol of training and evaluation, including what the report does not state.
        notes: Facts that a reader needs to interpret the numbers.
        systems: Name -> system, in the tables' order; the recipe of a system is `<report>/<name>`.
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
        """Classes whose IoU the report lists, in its order."""
        first = next(iter(self.systems.values()))
        return tuple(metric for metric in first.scores[self.split] if metric not in SUMMARIES)


@cache
def published() -> dict[str, Report]:
    """Key, such as `kerr-voc2007` -> report."""
    text = resources.files("pixelwise.reporting").joinpath("published.toml").read_text("utf-8")
    return {key: _report(**tables) for key, tables in tomllib.loads(text).items()}


def _report(scores: dict[str, dict[str, Any]], systems: dict[str, str], **fields: Any) -> Report:
    """Builds a report from its tables. Every table has a row per system, and every row a number per column."""

    def row(name: str) -> dict[str, Any]:
        numbers = {split: dict(zip(table["columns"], table[name], strict=True)) for split, table in scores.items()}
        return {"printed": systems[name], "scores": numbers}

    return Report(systems={name: System.model_validate(row(name)) for name in systems}, **fields)
