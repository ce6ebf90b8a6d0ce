"""Reliability diagram: accuracy against confidence, and the distribution of the confidence."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pixelwise.core.files import write_atomic
from pixelwise.viz.palettes import HAIRLINE, SERIES, style

Counts = tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]
"""Number of pixels, number of correct pixels, and sum of the confidences, for each bin of the confidence 0..1."""


def save_reliability(counts: Mapping[str, Counts], path: Path, *, title: str) -> None:
    """Draws a reliability diagram, in the format of the path's suffix.

    Args:
        counts: Name of a line ("as trained", "at temperature 1.4") -> its counts.
        path: File to create or replace.
        title: Title of the figure.

    Raises:
        RunError: The file cannot be written.
    """
    with style():
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        left.plot([0, 1], [0, 1], color=HAIRLINE, linewidth=1, zorder=1)
        for (name, (pixels, correct, confidence)), color in zip(counts.items(), SERIES, strict=False):
            occupied = pixels > 0
            left.plot(
                confidence[occupied] / pixels[occupied],
                correct[occupied] / pixels[occupied],
                "o-",
                color=color,
                markersize=3.5,
                label=name,
            )
            edges = np.linspace(0, 1, len(pixels) + 1)
            right.stairs(pixels / pixels.sum(), edges, color=color, linewidth=1.5, label=name)
        left.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence: probability of the predicted class", title="accuracy")
        right.set(xlim=(0, 1), ylim=(0, None), xlabel="confidence", title="share of pixels")
        for axes in (left, right):
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        left.legend(loc="upper left")
        figure.suptitle(title, x=0.012, ha="left", fontsize=11, weight="bold")
        write_atomic(path, lambda temp: figure.savefig(temp))
