"""Image and label files in and out."""

from collections.abc import Iterator
from contextlib import contextmanager
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
        BadData: The file is missing, truncated, no image, or has more than 8 bits a channel.
    """
    with _open(path) as picture:
        if picture.mode.startswith(("I", "F")):  # Pillow would cut every value above 255
            raise BadData(f"{path}: expected 8 bits a channel, found a picture of mode {picture.mode}; convert it.")
        picture.info.pop("transparency", None)  # of no use in RGB, and Pillow warns of it
        pixels = np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_raw_labels(path: Path) -> Integer[np.ndarray, "H W"]:
    """A label file's ids as they stand in it: palette indices or gray values.

    Raises:
        BadData: The file is missing, unreadable, or holds colours instead of ids.
    """
    with _open(path) as picture:
        if picture.mode not in ("1", "L", "P", "I", "I;16"):
            raise BadData(
                f"{path}: expected label ids (a palette or gray PNG), found a picture of mode {picture.mode}."
            )
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


@contextmanager
def _open(path: Path) -> Iterator[PilImage.Image]:
    """The decoded picture; whatever goes wrong with it becomes one sentence about the file."""
    try:
        with PilImage.open(path) as picture:
            picture.load()
            yield picture
    except FileNotFoundError:
        raise BadData(f"{path}: there is no such file.") from None
    except (OSError, SyntaxError, ValueError, PilImage.DecompressionBombError) as e:  # Pillow's for damaged files
        raise BadData(f"{path}: cannot be read as an image ({e}); replace or remove the file.") from None
