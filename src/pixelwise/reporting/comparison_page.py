"""Comparison page in HTML and its summary for the terminal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from pixelwise.metrics.bootstrap import Verdict
from pixelwise.reporting.comparison import Column, Comparison, Entry
from pixelwise.reporting.pages import embedded, environment, number, signed

COLORS = {"better": "green", "worse": "dark_orange"}


class Line(NamedTuple):
    """A line of a chart: one score of the first group and of another group.

    Attributes:
        name: Name of the score.
        first: Score of the first group.
        entry: Score of the other group.
        bar: Start and length of the confidence interval, in percent of the chart's width; None without an interval.
        dot: Position of the difference, in percent of the chart's width.
        total: Whether the score is over all classes.
    """

    name: str
    first: Entry
    entry: Entry
    bar: tuple[float, float] | None
    dot: float
    total: bool


class Chart(NamedTuple):
    """Chart of the differences between a group and the first group.

    Attributes:
        column: The group.
        lines: Scores over all classes, then the classes, the largest gain first.
        zero: Position of 0, in percent of the chart's width.
        ends: Differences at the left and right end of the chart.
        counts: Verdict -> number of classes.
    """

    column: Column
    lines: list[Line]
    zero: float
    ends: tuple[float, float]
    counts: Counter[Verdict]


def html(result: Comparison, folder: Path) -> str:
    """HTML page of a comparison, with embedded figures.

    Args:
        result: The comparison.
        folder: Folder that the paths of its figures are relative to.
    """
    data = embedded(folder, [picture.file for picture in result.pictures])
    charts = [_chart(result.columns[0], column) for column in result.columns[1:]]
    return environment().get_template("comparison.html").render(result=result, charts=charts, data=data)


def _chart(first: Column, column: Column) -> Chart:
    classes = sorted(column.iou, key=lambda name: -(column.iou[name].difference or 0))
    scores = [(name, first.metrics[name], entry, True) for name, entry in column.metrics.items()]
    scores += [(name, first.iou[name], column.iou[name], False) for name in classes]
    ends = [end for *_, entry, _ in scores for end in (entry.low, entry.high) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    margin = 0.04 * (high - low) or 0.01  # space for a dot at either end
    low, high = low - margin, high + margin

    def position(value: float) -> float:
        return 100 * (value - low) / (high - low)

    lines = []
    for name, before, entry, total in scores:
        bar = None
        if entry.low is not None and entry.high is not None:
            bar = position(entry.low), position(entry.high) - position(entry.low)
        lines.append(Line(name, before, entry, bar, position(entry.difference or 0), total))
    counts = Counter(entry.verdict for entry in column.iou.values() if entry.verdict)
    return Chart(column, lines, position(0), (low, high), counts)


def comparison_text(result: Comparison) -> Text:
    """Mean IoU of each group and its difference to the first group, for terminals of 80 columns."""
    text = Text(f"mean IoU, {result.split} split, {result.images} images\n\n", style="bold")
    for column in result.columns:
        text.append(f"  {column.name}\n", style="bold")
        for part, color in _parts(column):
            text.append(part, style=color)
        text.append("\n")
    first, level = result.columns[0].name, f"{100 * result.level:.0f}%"
    text.append(f"\n  differences to {first}, {level} confidence intervals\n", style="dim")
    text.append(f"  {caveat(result)}", style="dim")
    return text


def _parts(column: Column) -> Iterator[tuple[str, str]]:
    entry = column.mean_iou
    yield f"    {number(entry.value)}", ""
    if entry.spread is not None:
        yield f" ± {entry.spread:.4f}, {len(column.seeds)} seeds", ""
    if entry.verdict:
        between = "" if entry.low is None else f" ({signed(entry.low)} to {signed(entry.high)})"
        yield f"   {signed(entry.difference)}{between}  ", ""
        yield entry.verdict, COLORS.get(entry.verdict, "dim")


def caveat(result: Comparison) -> str:
    """Sources of variation that the confidence intervals include or leave out."""
    if not result.seeds_known:
        return "one seed each: the intervals do not include the variation between seeds"
    if result.together:
        mean = f"{number(result.together.value)} ± {result.together.spread:.4f}"
        return f"one recipe, {mean} over its seeds: the differences are due to chance"
    if result.single_seeds:
        names, verb = ", ".join(result.single_seeds), "has" if len(result.single_seeds) == 1 else "have"
        return f"{names} {verb} one seed: the variation between seeds is assumed to be that of the others"
    return "the intervals include the variation between images and between seeds"
