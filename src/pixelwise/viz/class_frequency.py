"""How the pixels of a data set are shared among its classes: a bar for each class, on a logarithmic scale."""

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
_FIGURES = 1.1  # where the column of figures ends, in widths of the axes
_MARKS = (("o", "white"), ("D", INK), ("s", "white"), ("^", INK))


def save_shares(shares: Mapping[str, Sequence[float]], space: LabelSpace, path: Path, *, title: str) -> None:
    """Draws the share of each class in the valid pixels and writes it in the format of the path's suffix.

    The first split is bars in the classes' colors, sorted; the others are marks on them. Lengths on a logarithmic
    scale cannot be compared as such, so every bar has its share beside it. A class without pixels keeps its row and is
    called absent.

    Args:
        shares: Split -> share by class id, 0..1.
        space: The classes' names and colors.
        path: The file to make or replace.
        title: What stands above the chart.

    Raises:
        RunError: The file cannot be written.
        ValueError: There is no split, or one has not a share for each class.
    """
    if not shares or any(len(values) != space.num_classes for values in shares.values()):
        raise ValueError("shares need a split, and in each split a value for each class")
    table = np.array(list(shares.values()), float)
    order = np.lexsort((-table.max(0), -table[0]))  # without pixels in the first split: by the others
    with style():
        figure = Figure(figsize=(_WIDTH, 1.25 + _ROW * len(order) + 0.2 * len(wrap(title, 84))), layout="constrained")
        axes = figure.subplots()
        _scale(axes, table, len(order))
        _bars(axes, table[:, order], [space.colors[i] for i in order])
        axes.set_yticks(range(len(order)), [_short(space.names[i]) for i in order], color=INK)
        _notes(axes, table[:, order], list(shares))
        handles = [
            Patch(facecolor="#C8C8C8", edgecolor=MUTED, linewidth=0.7, label=next(iter(shares))),
            *(Line2D([], [], label=name, **_mark(i)) for i, name in enumerate(list(shares)[1:])),
        ]
        figure.suptitle("\n".join(wrap(title, 84)), x=0.012, ha="left", fontsize=11, weight="bold")
        figure.legend(handles=handles, loc="outside lower left", ncols=5, columnspacing=1.6, handlelength=1.2)
        write_atomic(path, lambda temp: figure.savefig(temp))


def _scale(axes: Axes, table: Float[np.ndarray, "splits K"], rows: int) -> None:
    """Whole decades from below the smallest share to 100%, and the first row at the top."""
    seen = table[table > 0]
    low = 10.0 ** np.floor(np.log10(0.7 * seen.min())) if seen.size else 0.01  # 0.7: the shortest bar is seen, too
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
            edge = tuple(0.72 * c for c in fill)  # keeps a white bar visible on white
            axes.barh(row, share - low, left=low, height=0.66, color=fill, edgecolor=edge, linewidth=0.8)
    # Above and below each other, so that equal shares do not hide a mark.
    steps = np.linspace(-0.15, 0.15, len(others)) if len(others) > 1 else np.zeros(1)
    for i, values in enumerate(others):
        rows = np.flatnonzero(values > 0)
        axes.plot(values[rows], rows + steps[i], clip_on=False, zorder=4, **_mark(i))


def _notes(axes: Axes, table: Float[np.ndarray, "splits K"], splits: Sequence[str]) -> None:
    """The first split's share in figures at the right, and in which splits a class has no pixel."""
    look = dict[str, Any](transform=axes.get_yaxis_transform(), va="center_baseline", fontsize=8)
    axes.text(_FIGURES, -0.85, _short(splits[0]), ha="right", color=MUTED, **look)
    for row, values in enumerate(table.T):
        absent = [split for split, share in zip(splits, values, strict=True) if share == 0]
        axes.text(_FIGURES, row, _percent(values[0]), ha="right", **look)
        if absent:
            where = "no pixels" if len(absent) == len(splits) else f"not in {', '.join(absent)}"
            axes.text(_FIGURES + 0.015, row, where, color=MUTED, style="italic", **look)


def _mark(index: int) -> dict[str, Any]:
    """How the splits after the first are marked: seen on a bar of any color and on paper."""
    shape, fill = _MARKS[index % len(_MARKS)]
    return {
        "marker": shape,
        "linestyle": "none",
        "markersize": 4.6 if shape == "D" else 5.4,  # of equal area
        "markerfacecolor": fill,
        "markeredgecolor": INK if fill == "white" else "white",
        "markeredgewidth": 0.9,
    }


def _percent(share: float) -> str:
    """Two digits that say something."""
    if share < 0.000001:
        return "<0.0001%" if share > 0 else "–"
    return f"{100 * share:#.2g}".removesuffix(".") + "%" if share < 0.995 else "100%"


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= 24 else name[:23] + "…"
