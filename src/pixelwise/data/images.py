"""Image and label files in and out."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Integer, UInt8
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from pixelwise.core.errors import BadData
from pixelwise.core.files import write_atomic
from pixelwise.core.labels import LabelSpace
from pixelwise.core.types import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
"""Endings that are taken for images when a folder is listed."""

MAX_PIXELS = 80_000_000
"""Images with more pixels are refused, by their header, before anything is decoded: they would fill the memory."""

_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")  # one channel of 16 bits; Pillow brings all others to 8 by itself


def read_image(path: Path) -> Image:
    """An image file as a person sees it: RGB, uint8 `[3, H, W]`.

    Turned as its EXIF orientation says; gray, palette and CMYK become RGB; 16 bits a channel lose the lower eight;
    transparent parts show white paper; of an animation or a file of several pages, the first.

    Raises:
        BadData: The file is missing, truncated, no image, above `MAX_PIXELS`, or holds 32-bit or float values.
    """
    with _open(path) as picture:
        if picture.mode in _DEEP:
            picture = PilImage.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        elif picture.mode.startswith(("I", "F")):  # no range is known that would make grays of them
            raise BadData(f"{path}: expected 8 or 16 bits a channel, found values of mode {picture.mode}; convert it.")
        picture = ImageOps.exif_transpose(picture)
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            picture = PilImage.new("RGBA", layer.size, "white")
            picture.alpha_composite(layer)
        pixels = np.array(picture.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_raw_labels(path: Path) -> Integer[np.ndarray, "H W"]:
    """A label file's ids as they stand in it: palette indices or gray values.

    Raises:
        BadData: The file is missing, unreadable, a JPEG, or holds colours instead of ids.
    """
    with _open_labels(path) as picture:
        if picture.mode not in ("1", "L", "P", "I", *_DEEP):
            raise BadData(
                f"{path}: expected label ids (a palette or gray PNG), found a picture of mode {picture.mode}."
            )
        ids = np.array(picture)
    return ids.astype(np.uint8) if ids.dtype == bool else ids


def read_label_colours(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """A label file's colours, for labels that are painted rather than numbered. Transparency is not looked at.

    Raises:
        BadData: The file is missing, unreadable or a JPEG, or has no 8-bit colours.
    """
    with _open_labels(path) as picture:
        if picture.mode not in ("RGB", "RGBA", "P", "L", "1"):
            raise BadData(f"{path}: expected labels in RGB colours, found a picture of mode {picture.mode}.")
        picture.info.pop("transparency", None)  # of no use in RGB, and Pillow warns of it
        return np.array(picture.convert("RGB"))


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
        with _header(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise BadData(
                    f"{path}: {picture.width}x{picture.height} pixels are more than the {MAX_PIXELS // 10**6} million"
                    " that are taken; scale it down or cut it into tiles."
                )
            picture.load()
            yield picture
    except FileNotFoundError:
        raise BadData(f"{path}: there is no such file.") from None
    except (OSError, SyntaxError, ValueError, EOFError, PilImage.DecompressionBombError) as e:  # of damaged files
        raise BadData(f"{path}: {_reason(path, e)}; replace or remove the file.") from None


@contextmanager
def _open_labels(path: Path) -> Iterator[PilImage.Image]:
    with _open(path) as picture:
        if picture.format in ("JPEG", "MPO", "JPEG2000"):
            raise BadData(
                f"{path}: labels must not be {picture.format}, whose compression changes ids; export them again as PNG."
            )
        yield picture


def _header(path: Path) -> PilImage.Image:
    with warnings.catch_warnings():  # Pillow's limit warns below ours and refuses above it; ours has a sentence
        warnings.simplefilter("ignore", PilImage.DecompressionBombWarning)
        return PilImage.open(path)


def _reason(path: Path, error: Exception) -> str:
    """What is wrong with a file that Pillow could not read."""
    if path.is_dir():
        return "is a folder, not an image"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return "is no image, or of a format that is not known"
    return f"cannot be read as an image ({error})"
