"""Style of the charts: colors of series, and matplotlib settings. Class colors are in the label space."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import matplotlib.style
from cycler import cycler

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Line colors that are distinct for color-blind readers, the most distinct pairs first.

Source:
    M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/, without yellow, because a
    thin yellow line is not visible on white.
"""

INK, MUTED, HAIRLINE = "#222222", "#6B6B6B", "#DDDDDD"
"""Colors of text, of secondary text, and of guide lines."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so figures are the same on every machine
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
    "text.parse_math": False,  # a `$` in a class name is not a formula
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


_LOCK = RLock()  # matplotlib's settings are global: two threads would restore those of each other


@contextmanager
def style() -> Iterator[None]:
    """Context with the style of this module, for drawing and saving: matplotlib reads some settings on saving.

    The settings start from matplotlib's defaults, so that a user's matplotlibrc does not change the figures. The
    previous settings are restored at the end.
    """
    with _LOCK, matplotlib.style.context(_STYLE, after_reset=True):
        yield
