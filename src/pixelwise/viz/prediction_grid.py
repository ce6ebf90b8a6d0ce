"""Prediction grid: several images, each with the predictions of several systems and its ground truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import LabelSpace
from pixelwise.viz.legend import INK, PAPER, font, legend, present
from pixelwise.viz.overlay import colorize, scaled

_CELL, _SIZE, _GAP = 280, 17, 8  # longest side of a picture, height of letters, and space between pictures, in pixels


class GridRow(NamedTuple):
    """An image of the grid.

    Attributes:
        image: RGB, 0..255.
        predictions: System -> class ids, 0..K-1; the same systems in each row.
        labels: Class ids, 0..K-1 or `IGNORE`.
    """

    image: UInt8[np.ndarray, "H W 3"]
    predictions: Mapping[str, UInt8[np.ndarray, "H W"]]
    labels: UInt8[np.ndarray, "H W"]


def save_prediction_grid(rows: Sequence[GridRow], space: LabelSpace, path: Path) -> None:
    """Writes a row per image with its predictions and its ground truth as a PNG, with one legend.

    Args:
        rows: Images of one size.
        space: Names and colors of the classes.
        path: File to create or replace.

    Raises:
        RunError: The file cannot be written.
    """
    heads = ["image", *rows[0].predictions, "ground truth"]
    maps = [[*row.predictions.values(), row.labels] for row in rows]
    pictures = [[row.image, *(colorize(m, space) for m in found)] for row, found in zip(rows, maps, strict=True)]
    cells = [[scaled(picture, _CELL) for picture in row] for row in pictures]
    width, height = cells[0][0].size
    top, step = 2 * _SIZE, height + _GAP
    classes = present([m for found in maps for m in found], space)
    strip = legend(classes, len(heads) * (width + _GAP) + _GAP, _SIZE, shares=False)
    sheet = Image.new("RGB", (strip.width, top + len(cells) * step + strip.height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, head in enumerate(heads):
        x = _GAP + column * (width + _GAP)
        draw.text((x + width // 2, top // 2), head, INK, font(_SIZE, bold=True), anchor="mm")
        for row, pictures_of_row in enumerate(cells):
            sheet.paste(pictures_of_row[column], (x, top + row * step))
    sheet.paste(strip, (0, sheet.height - strip.height))
    write_atomic(path, lambda temp: sheet.save(temp, format="PNG"))
