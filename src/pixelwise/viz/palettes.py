"""The look of every chart: series colors and figure style. Class colors belong to the label space, not here."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import matplotlib.style
from cycler import cycler

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Line colors that stay apart for color-blind readers, the most distinct pairs first.

Source:
    M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/. Its yellow is left out: a
    thin yellow line cannot be seen on white paper.
"""

INK, MUTED, HAIRLINE = "#222222", "#6B6B6B", "#DDDDDD"
"""Text, secondary text, and lines that only help the eye."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same figure on every machine
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7.0,
    "axes.labelsize": 8.5,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9A9A9A",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=SERIES),
    "grid.color": "#E9E9E9",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,  # a `$` in a class name is a dollar sign
    "xtick.color": "#9A9A9A",
    "ytick.color": "#9A9A9A",
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "ytick.minor.size": 0.0,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.dpi": 200,
    "figure.facecolor": "white",
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
}


_ONE_AT_A_TIME = RLock()  # matplotlib's settings belong to the process: two threads would restore each other's


@contextmanager
def style() -> Iterator[None]:
    """Draws in the house style, and saves in it: matplotlib reads some settings only when it writes the file.

    Inside, the settings start from matplotlib's defaults, so a user's own matplotlibrc changes no figure; afterwards
    everything is as it was.
    """
    with _ONE_AT_A_TIME, matplotlib.style.context(_STYLE, after_reset=True):
        yield
