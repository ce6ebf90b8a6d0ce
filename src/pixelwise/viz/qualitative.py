"""Qualitative comparison of several systems: their predictions of an image, and the IoU of each class."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image, ImageDraw

from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import LabelSpace
from pixelwise.viz.legend import INK, PAPER, font, legend, present
from pixelwise.viz.overlay import colorize, scaled
from pixelwise.viz.palettes import INK as LINE_INK
from pixelwise.viz.palettes import MUTED, SERIES, style

_COLUMNS, _CELL = 4, 300  # pictures in a row; longest side of each picture, in pixels
_PANELS, _WIDTH, _BAR = 5, 7.6, 0.155  # panels in a row; width of the figure and height of a bar, in inches
_NUMBERS = 1.42  # right end of the column of numbers, on the scale of the bars

ClassMap = UInt8[np.ndarray, "H W"]
IouByClass = Mapping[str, float | None]


def save_systems(
    image: UInt8[np.ndarray, "H W 3"],
    labels: ClassMap,
    predictions: Mapping[str, ClassMap],
    space: LabelSpace,
    path: Path,
    *,
    last: Mapping[str, UInt8[np.ndarray, "H W 3"]] | None = None,
) -> None:
    """Writes an image, its ground truth and the prediction of each system as a PNG, with one legend.

    A row has four pictures, or five if there are only five.

    Args:
        image: RGB, 0..255.
        labels: True class ids, 0..K-1 or `IGNORE`.
        predictions: Name of a system -> predicted class ids, 0..K-1.
        space: Names and colors of the classes.
        path: File to create or replace.
        last: Title -> picture, after the predictions.

    Raises:
        RunError: The file cannot be written.
    """
    maps = {"ground truth": labels, **predictions}
    pictures = {"input": image, **{name: colorize(classes, space) for name, classes in maps.items()}}
    pictures |= last or {}
    cells = {name: scaled(picture, _CELL) for name, picture in pictures.items()}
    width, height = cells["input"].size
    size, gap = 14, 10
    line = round(1.7 * size)
    columns = len(cells) if len(cells) <= _COLUMNS + 1 else _COLUMNS
    rows = -(-len(cells) // columns)
    strip = legend(present(maps.values(), space), columns * (width + gap) + gap, size, shares=False)
    sheet = Image.new("RGB", (strip.width, rows * (height + line + gap) + strip.height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (name, cell) in enumerate(cells.items()):
        row, column = divmod(i, columns)
        x, y = gap + column * (width + gap), row * (height + line + gap)
        # Titles of pictures that are not predictions are bold.
        face = font(size, bold=name not in predictions)
        draw.text((x, y + line // 2 + 2), _fit(name, face, width), INK, face, anchor="lm")
        sheet.paste(cell, (x, y + line))
    sheet.paste(strip, (gap - size // 2, sheet.height - strip.height))
    write_atomic(path, lambda temp: sheet.save(temp, format="PNG"))


def save_class_iou(
    measured: Mapping[str, IouByClass], published: Mapping[str, IouByClass], path: Path, *, title: str
) -> None:
    """Draws a panel for each class: a bar for the measured IoU of each system, a diamond for the published IoU.

    The value is written beside each bar; – is an undefined value.

    Args:
        measured: System -> class -> IoU, 0..1. The classes of the first system are drawn, in their order.
        published: System -> class -> published IoU, 0..1. Systems and classes may be missing.
        path: File to create or replace; its suffix selects the format.
        title: Title of the chart.

    Raises:
        RunError: The file cannot be written.
        ValueError: There is no system or no class.
    """
    classes = list(next(iter(measured.values()), {}))
    if not classes:
        raise ValueError("a chart of class IoUs needs a system and a class")
    columns = min(_PANELS, max(3, len(classes)))  # at least 3, so that a bar of one class is not as wide as the page
    rows = -(-len(classes) // columns)
    lines = wrap(title, 84)
    has_published = any(published.get(system, {}).get(name) is not None for system in measured for name in classes)
    with style():
        height = rows * (0.45 + _BAR * (len(measured) + 0.5)) + 0.2 * len(lines) + 0.55
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for i, (axes, name) in enumerate(zip(panels, classes, strict=False)):
            _panel(axes, name, measured, published)
            systems = [_shorten(system, 24) for system in measured] if i % columns == 0 else [""] * len(measured)
            axes.set_yticks(range(len(measured)), systems, color=LINE_INK)
        for axes in panels[len(classes) :]:
            axes.set_axis_off()
        handles: list[Patch | Line2D] = [Patch(facecolor=SERIES[0], label="measured")]
        if has_published:
            handles.append(Line2D([], [], label="published", **_MARK))
        figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=11, weight="bold")
        figure.legend(handles=handles, loc="outside lower left", ncols=2, columnspacing=1.6, handlelength=1.2)
        write_atomic(path, lambda temp: figure.savefig(temp))


_MARK: dict[str, Any] = {
    "marker": "D", "linestyle": "none", "markersize": 4.4, "markerfacecolor": "white", "markeredgecolor": LINE_INK,
    "markeredgewidth": 1.0,
}  # fmt: skip


def _panel(axes: Axes, name: str, measured: Mapping[str, IouByClass], published: Mapping[str, IouByClass]) -> None:
    axes.set_title(_shorten(name, 16))
    axes.set_xlim(0, _NUMBERS)
    axes.set_ylim(len(measured) - 0.4, -0.6)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["bottom"].set_bounds(0, 1)
    for row, (system, ious) in enumerate(measured.items()):
        value, printed = ious.get(name), published.get(system, {}).get(name)
        if value is not None:
            axes.barh(row, value, height=0.66, color=SERIES[0])
        if printed is not None:
            axes.plot(printed, row, zorder=4, clip_on=False, **_MARK)
        text = "–" if value is None else f"{value:.2f}"
        axes.text(
            _NUMBERS,
            row,
            text,
            ha="right",
            va="center_baseline",
            fontsize=7.5,
            color=MUTED if value is None else LINE_INK,
        )


def _fit(name: str, face: Any, width: int) -> str:
    """Returns as much of the name as fits into `width` pixels."""
    name = " ".join(name.split())
    if face.getlength(name) <= width:
        return name
    kept = next((n for n in range(len(name), 0, -1) if face.getlength(name[:n] + "…") <= width), 1)
    return name[:kept] + "…"


def _shorten(name: str, longest: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= longest else name[: longest - 1] + "…"
