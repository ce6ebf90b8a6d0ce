"""Legends of classes as images: color swatch, name and share of each class."""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from pixelwise.core.label_space import IGNORE, RGB, LabelSpace

INK: RGB = (34, 34, 34)
MUTED: RGB = (120, 120, 120)
PAPER: RGB = (255, 255, 255)


class Entry(NamedTuple):
    """Class in a legend.

    Attributes:
        name: Name of the class.
        color: Color of the swatch.
        share: Share of the class in all pixels, above 0 and at most 1.
    """

    name: str
    color: RGB
    share: float


@lru_cache(maxsize=32)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Returns the font DejaVu Sans, `size` pixels high. Pillow's default font has no letters beyond ASCII."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(_font_folder() / name, size)


@cache
def _font_folder() -> Path:
    """Folder of the fonts that matplotlib ships, found without importing it, which is slow."""
    spec = find_spec("matplotlib")
    folder = Path(spec.origin or "").parent / "mpl-data" / "fonts" / "ttf" if spec else Path()
    if not (folder / "DejaVuSans.ttf").is_file():  # a distribution may have moved its data
        import matplotlib

        folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return folder


def present(class_maps: Iterable[UInt8[np.ndarray, "_ _"]], space: LabelSpace) -> list[Entry]:
    """Returns the classes that occur, in descending order of their share, and void at the end if it occurs.

    Args:
        class_maps: Class ids, 0..K-1 or `IGNORE`.
        space: Names and colors of the classes.
    """
    counts = np.zeros(256, np.int64)
    for classes in class_maps:
        counts += np.bincount(classes.ravel(), minlength=256)
    total = max(int(counts.sum()), 1)
    names = dict(enumerate(space.names))
    names[IGNORE] = next(iter(space.void.values()), "void")
    occurring = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    occurring.sort(key=lambda i: i == IGNORE)
    table = space.class_colors
    return [
        Entry(names.get(i, f"class {i}"), (int(table[i, 0]), int(table[i, 1]), int(table[i, 2])), counts[i] / total)
        for i in occurring
    ]


def legend(entries: Sequence[Entry], width: int, size: int, shares: bool = True) -> Image.Image:
    """Draws a legend: aligned columns, filled row by row, on white.

    Args:
        entries: The classes, in the order of the legend.
        width: Width in pixels. The legend is wider if its longest entry is.
        size: Height of the text in pixels.
        shares: Whether the share of each class is written after its name, in percent.
    """
    if not entries:
        return Image.new("RGB", (width, 0), PAPER)
    face, swatch, pad, line = font(size), round(0.95 * size), round(0.5 * size), round(1.6 * size)
    names = [" ".join(e.name.split()) for e in entries]  # without line breaks
    tails = [f"  {_percent(e.share)}" if shares else "" for e in entries]
    widths = [
        swatch + pad + int(np.ceil(face.getlength(name) + face.getlength(tail)))
        for name, tail in zip(names, tails, strict=True)
    ]
    gap = round(1.5 * size)
    columns = _columns(widths, width - 2 * pad, gap)
    width = max(width, sum(columns) + gap * (len(columns) - 1) + 2 * pad)
    rows = -(-len(entries) // len(columns))
    strip = Image.new("RGB", (width, rows * line + 2 * pad), PAPER)
    draw = ImageDraw.Draw(strip)
    for i, entry in enumerate(entries):
        row, column = divmod(i, len(columns))
        x = pad + sum(columns[:column]) + gap * column
        middle = pad + row * line + line // 2
        top = middle - swatch // 2
        edge = tuple(round(0.72 * c) for c in entry.color)  # so that a white swatch is visible on white
        draw.rectangle((x, top, x + swatch - 1, top + swatch - 1), fill=entry.color, outline=edge)
        x += swatch + pad
        draw.text((x, middle), names[i], INK, face, anchor="lm")
        draw.text((x + face.getlength(names[i]), middle), tails[i], MUTED, face, anchor="lm")
    return strip


def _columns(widths: Sequence[int], available: int, gap: int) -> list[int]:
    """Returns the widths of as many columns as fit into the available width, at least one."""
    for n in range(len(widths), 1, -1):
        columns = [max(widths[k::n]) for k in range(n)]
        if sum(columns) + gap * (n - 1) <= available:
            return columns
    return [max(widths)]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.0005 else "<0.1%"
