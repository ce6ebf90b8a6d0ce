"""Parts of a line chart: lines with gaps, names at the ends of lines, limits that feign no precision."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from pixelwise.viz.palettes import MUTED

Values = Float[np.ndarray, " epochs"]
"""One value for each epoch, NaN where there is none."""


class End(NamedTuple):
    """Where a line ends, and what to call it there.

    Attributes:
        x: Its last epoch.
        y: Its last value.
        name: What to write.
        color: Of the line.
    """

    x: float
    y: float
    name: str
    color: str


def line(axes: Axes, epochs: Values, values: Values, **look: Any) -> None:
    """A line with gaps; an epoch between two gaps would vanish without a marker."""
    seen = np.isfinite(values)
    neighbors = np.pad(seen, 1)
    lonely = seen & ~neighbors[:-2] & ~neighbors[2:]
    marked = seen if len(epochs) <= 12 else lonely
    look.setdefault("markersize", 3.2)
    axes.plot(epochs, values, marker="o", markevery=np.flatnonzero(marked).tolist(), **look)


def widen(axes: Axes, least: float) -> None:
    """Keeps a span of at least `least`: a scale of thousandths around one epoch would feign precision."""
    low, high = axes.get_ylim()
    if high - low < least:
        axes.set_ylim((low + high - least) / 2, (low + high + least) / 2)


def nothing(axes: Axes) -> None:
    """Says that a panel has no values, so that it is not taken for one that failed."""
    axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Names at the right edge, at the height of each line's end but never on each other."""
    low, high = axes.get_ylim()
    ends = sorted(ends, key=lambda end: end.y)
    heights = spaced([(end.y - low) / (high - low) for end in ends], gap=0.09)
    for end, height in zip(ends, heights, strict=True):
        axes.annotate(
            end.name,
            (end.x, end.y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.0,
            annotation_clip=False,
            # Dotted, lest it be read as more epochs.
            arrowprops={"arrowstyle": "-", "color": end.color, "linestyle": ":", "shrinkA": 1, "shrinkB": 3},
        )


def spaced(wanted: Sequence[float], gap: float) -> list[float]:
    """Ascending positions at least `gap` apart, each group of neighbors centered on where it wants to be.

    Args:
        wanted: Ascending positions.
        gap: The least distance.
    """
    groups: list[list[float]] = []
    for position in wanted:
        groups.append([position])
        while (
            len(groups) > 1
            and _centre(groups[-1]) - _centre(groups[-2]) < gap * (len(groups[-1]) + len(groups[-2])) / 2
        ):
            last = groups.pop()
            groups[-1] += last
    return [_centre(group) + gap * (i - (len(group) - 1) / 2) for group in groups for i in range(len(group))]


def _centre(group: Sequence[float]) -> float:
    return sum(group) / len(group)
