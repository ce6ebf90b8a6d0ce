"""A comparison for a person: as a page by itself, and for a terminal."""

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
    """A score of a group beside the first group's.

    Attributes:
        name: Of the score.
        first: The first group's.
        entry: The group's.
        bar: Where its interval begins and how long it is, in percent of the chart's width; None without one.
        dot: Where the difference lies.
        total: Whether the score is of all classes together.
    """

    name: str
    first: Entry
    entry: Entry
    bar: tuple[float, float] | None
    dot: float
    total: bool


class Chart(NamedTuple):
    """A group against the first.

    Attributes:
        column: The group.
        lines: Scores of all classes together, then the classes, the largest gain first.
        zero: Where 0 lies, in percent of the chart's width.
        ends: The differences at the chart's ends.
        counts: How many classes are better, worse, and neither.
    """

    column: Column
    lines: list[Line]
    zero: float
    ends: tuple[float, float]
    counts: Counter[Verdict]


def html(result: Comparison, folder: Path) -> str:
    """The page.

    Args:
        result: What to show.
        folder: Below which its pictures lie.
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
    edge = 0.04 * (high - low) or 0.01  # room for a dot at either end
    low, high = low - edge, high + edge

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    lines = []
    for name, before, entry, total in scores:
        bar = None
        if entry.low is not None and entry.high is not None:
            bar = place(entry.low), place(entry.high) - place(entry.low)
        lines.append(Line(name, before, entry, bar, place(entry.difference or 0), total))
    counts = Counter(entry.verdict for entry in column.iou.values() if entry.verdict)
    return Chart(column, lines, place(0), (low, high), counts)


def comparison_text(result: Comparison) -> Text:
    """Mean IoU of each group, and what can be said of its difference to the first; fits narrow terminals."""
    text = Text(f"mean IoU, {result.split} split, {result.images} images\n\n", style="bold")
    for column in result.columns:
        text.append(f"  {column.name}\n", style="bold")
        for part, color in _parts(column):
            text.append(part, style=color)
        text.append("\n")
    text.append(f"\n  differences to {result.columns[0].name}, {100 * result.level:.0f}% intervals\n", style="dim")
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
    """What the intervals know of seeds."""
    if not result.seeds_known:
        return "one seed each: what another seed would have given is not in the intervals"
    if result.together:
        together = f"{number(result.together.value)} ± {result.together.spread:.4f}"
        return f"one recipe, {together} over its seeds: what differs is chance"
    if result.single_seeds:
        return f"of {', '.join(result.single_seeds)} there is one seed: it is taken to vary as the others do"
    return "the intervals are over images and seeds"
