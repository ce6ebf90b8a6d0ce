"""Chart of class frequencies: the share of each class in the valid pixels, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import RGB, LabelSpace
from pixelwise.viz.palettes import INK, MUTED, style

_ROW, _WIDTH = 0.235, 7.6  # height of a class and width of the figure, in inches
_NUMBERS = 1.1  # right end of the column of numbers, in widths of the axes
_MARKS = (("o", "white"), ("D", INK), ("s", "white"), ("^", INK))


def save_class_frequency(shares: Mapping[str, Sequence[float]], space: LabelSpace, path: Path, *, title: str) -> None:
    """Draws a chart of the share of each class in the valid pixels, in the format of the path's suffix.

    The first split has bars in the colors of the classes, in descending order; the other splits have markers on them.
    The share is written beside each bar, because lengths on a logarithmic scale are not comparable. A class without
    pixels has a row too, with a note.

    Args:
        shares: Split -> share of each class id, 0..1.
        space: Names and colors of the classes.
        path: File to create or replace.
        title: Title of the chart.

    Raises:
        RunError: The file cannot be written.
        ValueError: There is no split, or a split does not have a share for each class.
    """
    if not shares or any(len(values) != space.num_classes for values in shares.values()):
        raise ValueError("shares need a split, and in each split a value for each class")
    table = np.array(list(shares.values()), float)
    order = np.lexsort((-table.max(0), -table[0]))  # classes without pixels in the first split: by the other splits
    with style():
        figure = Figure(figsize=(_WIDTH, 1.25 + _ROW * len(order) + 0.2 * len(wrap(title, 84))), layout="constrained")
        axes = figure.subplots()
        _scale(axes, table, len(order))
        _bars(axes, table[:, order], [space.colors[i] for i in order])
        axes.set_yticks(range(len(order)), [_shorten(space.names[i]) for i in order], color=INK)
        _numbers(axes, table[:, order], list(shares))
        handles = [
            Patch(facecolor="#C8C8C8", edgecolor=MUTED, linewidth=0.7, label=next(iter(shares))),
            *(Line2D([], [], label=name, **_mark(i)) for i, name in enumerate(list(shares)[1:])),
        ]
        figure.suptitle("\n".join(wrap(title, 84)), x=0.012, ha="left", fontsize=11, weight="bold")
        figure.legend(handles=handles, loc="outside lower left", ncols=5, columnspacing=1.6, handlelength=1.2)
        write_atomic(path, lambda temp: figure.savefig(temp))


def _scale(axes: Axes, table: Float[np.ndarray, "splits K"], rows: int) -> None:
    """Sets the scale: whole decades from below the smallest share to 100%, and the first row at the top."""
    positive = table[table > 0]
    # 0.7, so that the shortest bar is visible.
    low = 10.0 ** np.floor(np.log10(0.7 * positive.min())) if positive.size else 0.01
    axes.set_xscale("log")
    axes.set_xlim(low, 1)
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.10f}".rstrip("0").rstrip(".") + "%"))
    axes.set_xlabel("share of valid pixels, logarithmic")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_ylim(rows - 0.4, -0.6)


def _bars(axes: Axes, table: Float[np.ndarray, "splits K"], colors: Sequence[RGB]) -> None:
    first, *others = table
    low = axes.get_xlim()[0]
    for row, (share, color) in enumerate(zip(first, colors, strict=True)):
        if share > 0:
            fill = tuple(c / 255 for c in color)
            edge = tuple(0.72 * c for c in fill)  # so that a white bar is visible on white
            axes.barh(row, share - low, left=low, height=0.66, color=fill, edgecolor=edge, linewidth=0.8)
    # At different heights, so that markers of equal shares do not hide each other.
    steps = np.linspace(-0.15, 0.15, len(others)) if len(others) > 1 else np.zeros(1)
    for i, values in enumerate(others):
        rows = np.flatnonzero(values > 0)
        axes.plot(values[rows], rows + steps[i], clip_on=False, zorder=4, **_mark(i))


def _numbers(axes: Axes, table: Float[np.ndarray, "splits K"], splits: Sequence[str]) -> None:
    """Writes the share in the first split at the right, and the splits in which a class has no pixels."""
    text_style = dict[str, Any](transform=axes.get_yaxis_transform(), va="center_baseline", fontsize=8)
    axes.text(_NUMBERS, -0.85, _shorten(splits[0]), ha="right", color=MUTED, **text_style)
    for row, values in enumerate(table.T):
        absent = [split for split, share in zip(splits, values, strict=True) if share == 0]
        axes.text(_NUMBERS, row, _percent(values[0]), ha="right", **text_style)
        if absent:
            where = "no pixels" if len(absent) == len(splits) else f"not in {', '.join(absent)}"
            axes.text(_NUMBERS + 0.015, row, where, color=MUTED, style="italic", **text_style)


def _mark(index: int) -> dict[str, Any]:
    """Returns the marker of a split after the first, visible on bars of any color and on white."""
    shape, fill = _MARKS[index % len(_MARKS)]
    return {
        "marker": shape,
        "linestyle": "none",
        "markersize": 4.6 if shape == "D" else 5.4,  # equal area
        "markerfacecolor": fill,
        "markeredgecolor": INK if fill == "white" else "white",
        "markeredgewidth": 0.9,
    }


def _percent(share: float) -> str:
    """Formats a share in percent with two significant digits."""
    if share < 0.000001:
        return "<0.0001%" if share > 0 else "–"
    return f"{100 * share:#.2g}".removesuffix(".") + "%" if share < 0.995 else "100%"


def _shorten(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= 24 else name[:23] + "…"
