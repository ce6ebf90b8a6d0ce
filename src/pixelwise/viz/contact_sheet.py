"""Contact sheets: image, prediction, ground truth and overlay side by side, one row for each image, one legend.

Sheets are composed with Pillow rather than with a plotting library, which would resample the pictures and blur the
boundaries of classes.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import LabelSpace
from pixelwise.viz.errors import error_map
from pixelwise.viz.legend import INK, MUTED, PAPER, font, legend, present
from pixelwise.viz.overlay import colorize, overlay, scaled

_NARROW, _WIDE = 240, 640  # limits of a column's width, in pixels


class SheetRow(NamedTuple):
    """Row of a sheet.

    Attributes:
        title: Text at the left, which is never shortened. A line break starts a new line.
        image: RGB, 0..255.
        prediction: Predicted class ids, 0..K-1; None if there is no prediction.
        labels: True class ids, 0..K-1 or `IGNORE`; None if there are no labels.
    """

    title: str
    image: UInt8[np.ndarray, "H W 3"]
    prediction: UInt8[np.ndarray, "H W"] | None
    labels: UInt8[np.ndarray, "H W"] | None


def save_sheet(
    rows: Sequence[SheetRow], space: LabelSpace, path: Path, *, title: str = "", error_maps: bool = False
) -> None:
    """Writes a sheet with the columns input, prediction, ground truth and overlay as a PNG.

    Every picture keeps its aspect ratio in a square cell. The columns prediction and ground truth are left out if no
    row has one. The overlay shows the prediction, or the labels if there is no prediction. The legend contains the
    classes that occur in predictions or labels.

    Args:
        rows: The images, of any sizes.
        space: Names and colors of the classes.
        path: File to create or replace.
        title: Title of the sheet.
        error_maps: Whether the last column shows error maps instead of overlays. Every row then needs a prediction and
            labels.

    Raises:
        RunError: The file cannot be written.
        ValueError: There is no row, or a row has neither prediction nor labels.
    """
    sheet = _sheet(rows, space, title, error_maps)
    write_atomic(path, lambda temp: sheet.save(temp, format="PNG", dpi=(300, 300)))


def _sheet(rows: Sequence[SheetRow], space: LabelSpace, title: str, error_maps: bool) -> Image.Image:
    if not rows:
        raise ValueError("a sheet needs at least one row")
    kinds = [
        *(["prediction"] if any(row.prediction is not None for row in rows) else []),
        *(["ground truth"] if any(row.labels is not None for row in rows) else []),
    ]
    width = int(np.clip(max(max(row.image.shape[:2]) for row in rows), _NARROW, _WIDE))
    size = max(12, round(width / 24))
    gap = max(4, width // 64)
    heads = ["input", *kinds, "errors" if error_maps else "overlay"]
    cells = [[p if p is None else scaled(p, width) for p in _pictures(row, space, kinds, error_maps)] for row in rows]
    heights = [max(cell.height for cell in row if cell) for row in cells]
    sides = [_side_title(row.title, height, size) for row, height in zip(rows, heights, strict=True)]

    left = gap + max(side.width for side in sides) + gap
    maps = chain.from_iterable((row.prediction, row.labels) for row in rows)
    strip = legend(present([m for m in maps if m is not None], space), len(heads) * (width + gap), size, shares=False)
    bold = font(round(1.25 * size), bold=True)
    lines = _wrapped(title, bold, strip.width)
    line = round(1.7 * size)
    top = gap + len(lines) * line + line
    bottom = top + sum(heights) + gap * len(heights)

    sheet = Image.new("RGB", (left + strip.width, bottom + strip.height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, text in enumerate(lines):
        draw.text((left, gap + i * line + line // 2), text, INK, bold, anchor="lm")
    for column, head in enumerate(heads):
        middle = left + column * (width + gap) + width // 2
        draw.text((middle, top - line // 2), head, INK, font(size), anchor="mm")
    y = top
    for row, side, height in zip(cells, sides, heights, strict=True):
        sheet.paste(side, (left - gap - side.width, y + (height - side.height) // 2))
        for column, cell in enumerate(row):
            x = left + column * (width + gap)
            if cell:
                sheet.paste(cell, (x + (width - cell.width) // 2, y + (height - cell.height) // 2))
            else:
                draw.text((x + width // 2, y + height // 2), f"no {heads[column]}", MUTED, font(size), anchor="mm")
        y += height + gap
    sheet.paste(strip, (left - size // 2, bottom))  # the indented swatches are aligned with the pictures
    return sheet


def _pictures(
    row: SheetRow, space: LabelSpace, kinds: Sequence[str], error_maps: bool
) -> list[UInt8[np.ndarray, "H W 3"] | None]:
    """Returns the picture of each column; None if the row has none."""
    maps = {"prediction": row.prediction, "ground truth": row.labels}
    overlaid = row.labels if row.prediction is None else row.prediction
    if overlaid is None:
        raise ValueError(f"the row '{row.title}' has neither prediction nor labels")
    columns = [None if (classes := maps[kind]) is None else colorize(classes, space) for kind in kinds]
    if error_maps and row.prediction is not None and row.labels is not None:
        return [row.image, *columns, error_map(row.image, row.prediction, row.labels)]
    return [row.image, *columns, overlay(row.image, overlaid, space)]


def _side_title(title: str, length: int, size: int) -> Image.Image:
    """Draws the title of a row, from bottom to top, in as many lines as its length requires."""
    face, line = font(size), round(1.3 * size)
    lines = _wrapped(title, face, length)
    side = Image.new("RGB", (length, len(lines) * line), PAPER)
    draw = ImageDraw.Draw(side)
    for i, text in enumerate(lines):
        draw.text((length // 2, i * line + line // 2), text, INK, face, anchor="mm")
    return side.transpose(Image.Transpose.ROTATE_90)


def _wrapped(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Breaks a text into lines of at most `width` pixels, at spaces or within words longer than a line."""
    lines: list[str] = []
    for part in text.splitlines():
        line = ""
        for word in part.split():
            joined = f"{line} {word}".lstrip()
            if face.getlength(joined) <= width:
                line = joined
                continue
            lines += [line] if line else []
            line = word
            while len(line) > 1 and face.getlength(line) > width:
                keep = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or face.getlength(line[:n]) <= width)
                lines.append(line[:keep])
                line = line[keep:]
        lines += [line] if line else []
    return lines
