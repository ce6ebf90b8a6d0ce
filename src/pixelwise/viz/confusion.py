"""A confusion matrix as a picture: each row a true class, and where its pixels went."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import LabelSpace
from pixelwise.viz.palettes import INK, MUTED, SERIES, style

_CELL = 0.31  # inches
_SHOWN = 0.005  # a share below it is not written: it would be 0%
_MANY = 16
_RIGHT = LinearSegmentedColormap.from_list("right", ["#FFFFFF", SERIES[0]])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#FFFFFF", SERIES[1]])


def save_confusion(matrix: Int64[np.ndarray, "K K"], space: LabelSpace, path: Path, *, title: str) -> None:
    """Draws the matrix, each row as shares of its true class, and writes it in the format of the path's suffix.

    Right is blue, wrong is orange, and every share of a percent or more is written in percent. A class without a true
    pixel has an empty row.

    Args:
        matrix: Pixels; rows are the true class, columns the predicted one.
        space: The classes' names.
        path: The file to make or replace.
        title: What stands above it.

    Raises:
        RunError: The file cannot be written.
    """
    true = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, true, out=np.full(matrix.shape, np.nan), where=true > 0)
    side = max(2.2, _CELL * len(matrix))
    with style():
        high = side + (3.4 if len(matrix) > _MANY else 2.2)
        figure = Figure(figsize=(side + 2.4, high), layout="constrained")
        axes = figure.subplots()
        _cells(axes, shares)
        names = [name if len(name) <= 22 else name[:21] + "…" for name in space.names]
        axes.set_xticks(range(len(names)), names, rotation=90, color=INK)
        axes.set_yticks(range(len(names)), names, color=INK)
        if len(names) > _MANY:  # so many that names below are far from the upper rows
            axes.tick_params(axis="x", labeltop=True)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true, 100% a row")
        figure.suptitle(title, x=0.012, ha="left", fontsize=11, weight="bold")
        write_atomic(path, lambda temp: figure.savefig(temp))


def _cells(axes: Axes, shares: Float[np.ndarray, "K K"]) -> None:
    right = np.eye(len(shares), dtype=bool)
    for colors, where in ((_RIGHT, right), (_WRONG, ~right)):
        shown = np.ma.masked_where(~where | np.isnan(shares), shares)
        axes.imshow(shown, cmap=colors, vmin=0, vmax=1, aspect="equal")
    for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= _SHOWN), strict=True):
        share = shares[row, column]
        color = "white" if share > 0.6 else INK
        axes.text(float(column), float(row), f"{100 * share:.0f}", ha="center", va="center", fontsize=6.5, color=color)
    for row in np.flatnonzero(np.isnan(shares).all(1)):
        axes.text(
            len(shares) / 2 - 0.5, float(row), "no true pixel", ha="center", va="center", fontsize=6.5, color=MUTED
        )
    axes.set_xticks(np.arange(len(shares) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(shares) + 1) - 0.5, minor=True)
    axes.grid(visible=False, which="major")
    axes.grid(visible=True, which="minor", color="#EEEEEE", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
