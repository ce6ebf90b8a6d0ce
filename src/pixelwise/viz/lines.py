"""Parts of line charts: lines with gaps, names at the ends of lines, minimum ranges of axes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from pixelwise.viz.palettes import MUTED

Values = Float[np.ndarray, " epochs"]
"""Value of each epoch; NaN if there is none."""


class End(NamedTuple):
    """Name at the end of a line.

    Attributes:
        x: Last epoch of the line.
        y: Last value of the line.
        name: The text.
        color: Color of the line.
    """

    x: float
    y: float
    name: str
    color: str


def plot_line(axes: Axes, epochs: Values, values: Values, **style: Any) -> None:
    """Plots a line with gaps. A single epoch between two gaps has a marker, without which it would be invisible."""
    finite = np.isfinite(values)
    neighbors = np.pad(finite, 1)
    isolated = finite & ~neighbors[:-2] & ~neighbors[2:]
    marked = finite if len(epochs) <= 12 else isolated
    style.setdefault("markersize", 3.2)
    axes.plot(epochs, values, marker="o", markevery=np.flatnonzero(marked).tolist(), **style)


def widen_range(axes: Axes, minimum: float) -> None:
    """Widens the range of the y axis to at least `minimum`, so that noise does not fill the panel."""
    low, high = axes.get_ylim()
    if high - low < minimum:
        axes.set_ylim((low + high - minimum) / 2, (low + high + minimum) / 2)


def mark_empty(axes: Axes) -> None:
    """Writes "no values" into a panel without values."""
    axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Writes names at the right edge, at the height of the ends of their lines and without overlap."""
    low, high = axes.get_ylim()
    ends = sorted(ends, key=lambda end: end.y)
    heights = separate([(end.y - low) / (high - low) for end in ends], gap=0.09)
    for end, height in zip(ends, heights, strict=True):
        axes.annotate(
            end.name,
            (end.x, end.y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.0,
            annotation_clip=False,
            # Dotted, so that it does not look like further epochs.
            arrowprops={"arrowstyle": "-", "color": end.color, "linestyle": ":", "shrinkA": 1, "shrinkB": 3},
        )


def separate(positions: Sequence[float], gap: float) -> list[float]:
    """Moves positions to a distance of at least `gap`. Each group of neighbors keeps its center.

    Args:
        positions: Ascending positions.
        gap: Minimum distance.
    """
    groups: list[list[float]] = []
    for position in positions:
        groups.append([position])
        while (
            len(groups) > 1
            and _center(groups[-1]) - _center(groups[-2]) < gap * (len(groups[-1]) + len(groups[-2])) / 2
        ):
            last = groups.pop()
            groups[-1] += last
    return [_center(group) + gap * (i - (len(group) - 1) / 2) for group in groups for i in range(len(group))]


def _center(group: Sequence[float]) -> float:
    return sum(group) / len(group)
