"""Differences with their intervals: a row for each score, and which of them are beyond chance."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pixelwise.core.files import write_atomic
from pixelwise.viz.palettes import HAIRLINE, INK, MUTED, SERIES, style

_BETTER, _WORSE = SERIES[2], SERIES[1]


class Interval(NamedTuple):
    """A difference.

    Attributes:
        name: Of the score.
        value: The difference.
        low: Lower end of its interval.
        high: Upper end.
    """

    name: str
    value: float
    low: float
    high: float

    @property
    def colour(self) -> str:
        """Gray where the interval holds 0."""
        return _BETTER if self.low > 0 else _WORSE if self.high < 0 else MUTED


def save_intervals(rows: Sequence[Interval], path: Path, *, title: str) -> None:
    """Draws a dot and a line for each difference, in the given order, and writes it in the format of the path's suffix.

    Args:
        rows: What is drawn; the first two stand apart from the classes below them.
        path: The file to make or replace.
        title: What stands above it.

    Raises:
        RunError: The file cannot be written.
    """
    places = [place + 0.6 * (place > 1) for place in range(len(rows))]
    with style():
        figure = Figure(figsize=(7.6, 1.6 + 0.24 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=0.8)
        for place, row in zip(places, rows, strict=True):
            axes.plot([row.low, row.high], [place, place], color=row.colour, linewidth=2, solid_capstyle="round")
            axes.plot([row.value], [place], "o", color=row.colour, markersize=5)
        axes.set_yticks(places, [row.name if len(row.name) <= 22 else row.name[:21] + "…" for row in rows], color=INK)
        axes.set_ylim(max(places, default=0) + 0.7, -0.7)
        axes.grid(visible=True, axis="x", color=HAIRLINE, linewidth=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_xlabel("difference, with its interval")
        figure.suptitle("\n".join(wrap(title, 84)), x=0.012, ha="left", fontsize=11, weight="bold")
        handles = [
            Line2D([], [], color=colour, marker="o", linewidth=2, markersize=5, label=label)
            for colour, label in ((_BETTER, "better"), (_WORSE, "worse"), (MUTED, "cannot tell"))
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=3)
        write_atomic(path, lambda temp: figure.savefig(temp))
