"""Class legends in pixels: swatch, name and share, laid out for a given width."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from pixelwise.core.label_space import IGNORE, RGB, LabelSpace

INK: RGB = (34, 34, 34)
MUTED: RGB = (120, 120, 120)
PAPER: RGB = (255, 255, 255)


class Entry(NamedTuple):
    """One class in a legend.

    Attributes:
        name: Its name, drawn whole.
        color: Its swatch.
        share: Share of all pixels, above 0 and up to 1.
    """

    name: str
    color: RGB
    share: float


@lru_cache(maxsize=32)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, `size` pixels high; Pillow's own default font has no letter beyond ASCII, not even é or ü."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def present(class_maps: Iterable[UInt8[np.ndarray, "_ _"]], space: LabelSpace) -> list[Entry]:
    """The classes that occur, the largest share first; void, if any pixel is void, comes last.

    Args:
        class_maps: Class ids, 0..K-1 or `IGNORE`.
        space: Names and colors.
    """
    counts = np.zeros(256, np.int64)
    for classes in class_maps:
        counts += np.bincount(classes.ravel(), minlength=256)
    total = max(int(counts.sum()), 1)
    names = dict(enumerate(space.names))
    names[IGNORE] = next(iter(space.void.values()), "void")
    found = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    found.sort(key=lambda i: i == IGNORE)
    table = space.class_colors
    return [
        Entry(names.get(i, f"class {i}"), (int(table[i, 0]), int(table[i, 1]), int(table[i, 2])), counts[i] / total)
        for i in found
    ]


def legend(entries: Sequence[Entry], width: int, size: int, shares: bool = True) -> Image.Image:
    """A strip of aligned columns, filled row by row, on white.

    Args:
        entries: The classes, in their order.
        width: Width to fill, in pixels; the strip is wider if the longest entry is.
        size: Height of the text, in pixels.
        shares: Whether each name is followed by its share in percent.
    """
    if not entries:
        return Image.new("RGB", (width, 0), PAPER)
    face, swatch, pad, line = font(size), round(0.95 * size), round(0.5 * size), round(1.6 * size)
    names = [" ".join(e.name.split()) for e in entries]  # a line break in a name would break its row
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
        edge = tuple(round(0.72 * c) for c in entry.color)  # keeps a white swatch visible on white
        draw.rectangle((x, top, x + swatch - 1, top + swatch - 1), fill=entry.color, outline=edge)
        x += swatch + pad
        draw.text((x, middle), names[i], INK, face, anchor="lm")
        draw.text((x + face.getlength(names[i]), middle), tails[i], MUTED, face, anchor="lm")
    return strip


def _columns(widths: Sequence[int], room: int, gap: int) -> list[int]:
    """Widths of as many columns as there is room for, one at least."""
    for n in range(len(widths), 1, -1):
        columns = [max(widths[k::n]) for k in range(n)]
        if sum(columns) + gap * (n - 1) <= room:
            return columns
    return [max(widths)]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.0005 else "<0.1%"
