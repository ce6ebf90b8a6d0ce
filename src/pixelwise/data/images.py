"""Image and label files in and out."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Integer, UInt8
from PIL import Image as PilImage
from PIL import ImageOps

from pixelwise.core.errors import BadData
from pixelwise.core.files import write_atomic
from pixelwise.core.labels import LabelSpace
from pixelwise.core.types import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Endings that are taken for images when a folder is listed, in the order of preference for one stem."""


def read_image(path: Path) -> Image:
    """An image file as RGB, uint8 `[3, H, W]`, turned as its EXIF orientation says.

    Raises:
        BadData: The file is missing, truncated or no image.
    """
    pixels = np.array(ImageOps.exif_transpose(_open(path)).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_raw_labels(path: Path) -> Integer[np.ndarray, "H W"]:
    """A label file's ids as they stand in it: palette indices or gray values.

    Raises:
        BadData: The file is missing, unreadable, or holds colours instead of ids.
    """
    picture = _open(path)
    if picture.mode not in ("1", "L", "P", "I", "I;16"):
        raise BadData(f"{path}: expected label ids (a palette or gray PNG), found a picture of mode {picture.mode}.")
    ids = np.array(picture)
    return ids.astype(np.uint8) if ids.dtype == bool else ids


def label_picture(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> PilImage.Image:
    """Class ids as a label file of the data set: raw ids with its palette, or 16-bit gray where an id exceeds 255."""
    raw = space.to_raw(classes)
    picture = PilImage.fromarray(raw)
    if raw.dtype == np.uint8:
        picture.putpalette(space.raw_palette())
    return picture


def write_png(path: Path, picture: PilImage.Image) -> None:
    """Writes a PNG whole or not at all.

    Raises:
        RunError: The folder cannot be written to.
    """
    write_atomic(path, lambda temp: picture.save(temp, format="PNG"))


def _open(path: Path) -> PilImage.Image:
    """The decoded picture; whatever goes wrong while reading becomes one sentence about the file."""
    try:
        with PilImage.open(path) as picture:
            picture.load()
            return picture
    except FileNotFoundError:
        raise BadData(f"{path}: there is no such file.") from None
    except (OSError, SyntaxError, ValueError) as e:  # what Pillow raises for damaged files of different formats
        raise BadData(f"{path}: cannot be read as an image ({e}); replace or remove the file.") from None
