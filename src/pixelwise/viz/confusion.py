"""Chart of a confusion matrix, each row in percent of its true class."""

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
_MIN_SHARE = 0.005  # smaller shares are not written: they would be rounded to 0%
_MANY = 16  # with more classes, the names are written above the chart too
_CORRECT = LinearSegmentedColormap.from_list("correct", ["#FFFFFF", SERIES[0]])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#FFFFFF", SERIES[1]])


def save_confusion(matrix: Int64[np.ndarray, "K K"], space: LabelSpace, path: Path, *, title: str) -> None:
    """Draws a confusion matrix, each row in percent of its true class, in the format of the path's suffix.

    Correct predictions are blue, errors are orange. Every share of 0.5% or more is written into its cell. A class
    without true pixels has an empty row.

    Args:
        matrix: Numbers of pixels; rows are the true classes, columns the predicted ones.
        space: Names of the classes.
        path: File to create or replace.
        title: Title of the chart.

    Raises:
        RunError: The file cannot be written.
    """
    true = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, true, out=np.full(matrix.shape, np.nan), where=true > 0)
    side = max(2.2, _CELL * len(matrix))
    with style():
        height = side + (3.4 if len(matrix) > _MANY else 2.2)
        figure = Figure(figsize=(side + 2.4, height), layout="constrained")
        axes = figure.subplots()
        _cells(axes, shares)
        names = [name if len(name) <= 22 else name[:21] + "…" for name in space.names]
        axes.set_xticks(range(len(names)), names, rotation=90, color=INK)
        axes.set_yticks(range(len(names)), names, color=INK)
        if len(names) > _MANY:
            axes.tick_params(axis="x", labeltop=True)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class (each row is 100%)")
        figure.suptitle(title, x=0.012, ha="left", fontsize=11, weight="bold")
        write_atomic(path, lambda temp: figure.savefig(temp))


def _cells(axes: Axes, shares: Float[np.ndarray, "K K"]) -> None:
    diagonal = np.eye(len(shares), dtype=bool)
    for colors, where in ((_CORRECT, diagonal), (_WRONG, ~diagonal)):
        shown = np.ma.masked_where(~where | np.isnan(shares), shares)
        axes.imshow(shown, cmap=colors, vmin=0, vmax=1, aspect="equal")
    for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= _MIN_SHARE), strict=True):
        share = shares[row, column]
        color = "white" if share > 0.6 else INK
        axes.text(float(column), float(row), f"{100 * share:.0f}", ha="center", va="center", fontsize=6.5, color=color)
    for row in np.flatnonzero(np.isnan(shares).all(1)):
        axes.text(
            len(shares) / 2 - 0.5, float(row), "no true pixels", ha="center", va="center", fontsize=6.5, color=MUTED
        )
    axes.set_xticks(np.arange(len(shares) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(shares) + 1) - 0.5, minor=True)
    axes.grid(visible=False, which="major")
    axes.grid(visible=True, which="minor", color="#EEEEEE", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
