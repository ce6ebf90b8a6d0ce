"""How sure and how right a network is, side by side."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pixelwise.core.files import write_atomic
from pixelwise.viz.palettes import HAIRLINE, SERIES, style

Counts = tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]
"""By bins of 0..1: pixels, how many of them are right, and the sum of their confidences."""


def save_reliability(found: Mapping[str, Counts], path: Path, *, title: str) -> None:
    """Draws the share of right pixels over their confidence, and how many pixels have it.

    Args:
        found: What it is of ("as trained", "at temperature 1.4") -> its counts.
        path: The file to make or replace.
        title: What stands above it.

    Raises:
        RunError: The file cannot be written.
    """
    with style():
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        left.plot([0, 1], [0, 1], color=HAIRLINE, linewidth=1, zorder=1)
        for (name, (pixels, correct, confidence)), color in zip(found.items(), SERIES, strict=False):
            some = pixels > 0
            left.plot(
                confidence[some] / pixels[some],
                correct[some] / pixels[some],
                "o-",
                color=color,
                markersize=3.5,
                label=name,
            )
            edges = np.linspace(0, 1, len(pixels) + 1)
            right.stairs(pixels / pixels.sum(), edges, color=color, linewidth=1.5, label=name)
        left.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence: probability of the predicted class", title="right")
        right.set(xlim=(0, 1), ylim=(0, None), xlabel="confidence", title="pixels")
        for axes in (left, right):
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        left.legend(loc="upper left")
        figure.suptitle(title, x=0.012, ha="left", fontsize=11, weight="bold")
        write_atomic(path, lambda temp: figure.savefig(temp))
