"""Image and label files in and out."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int32, Integer, UInt8
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from pixelwise.core.errors import DataError
from pixelwise.core.files import write_atomic
from pixelwise.core.label_space import RGB, LabelSpace
from pixelwise.core.types import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
"""Endings that are taken for images when a folder is listed."""

MAX_PIXELS = 80_000_000
"""Images with more pixels are refused, by their header, before anything is decoded: they would fill the memory."""

_ORIENTATION, _BITS_PER_SAMPLE, _PHOTOMETRIC = 274, 258, 262  # tags of EXIF and TIFF

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000")
"""What Pillow may open, whatever the ending says. Of what else it knows, some is no picture to look at, and some (EPS)
is a program that it would run."""

_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")  # one channel of 16 bits; Pillow brings several of them to 8 by itself

_TURNS = {
    2: PilImage.Transpose.FLIP_LEFT_RIGHT,
    3: PilImage.Transpose.ROTATE_180,
    4: PilImage.Transpose.FLIP_TOP_BOTTOM,
    5: PilImage.Transpose.TRANSPOSE,
    6: PilImage.Transpose.ROTATE_270,
    7: PilImage.Transpose.TRANSVERSE,
    8: PilImage.Transpose.ROTATE_90,
}
"""EXIF orientation -> what sets the picture upright."""


def read_image(source: Path | bytes) -> Image:
    """An image file, or its bytes, as a person sees it: RGB, uint8 `[3, H, W]`.

    Turned as its EXIF orientation says; gray, palette and CMYK become RGB; 16 bits a channel lose the lower eight;
    transparent parts show white paper; of an animation or a file of several pages, the first. Color profiles are not
    applied.

    Raises:
        DataError: The file is missing, truncated, no image, above `MAX_PIXELS`, or of values that have no known range
            (32 bits, floats) or colors that Pillow cannot turn into RGB (Lab).
    """
    picture = _decoded(source)
    if picture.mode in _DEEP or (picture.mode == "I" and picture.format == "PPM"):  # scaled to 16 bits by Pillow
        upright = _upright(picture, _to_8_bits(picture))
    elif picture.mode.startswith(("I", "F")) or picture.mode == "LAB":
        raise DataError(
            f"{_called(source)}: expected gray or RGB of 8 or 16 bits a channel, found values of mode {picture.mode};"
            " convert it."
        )
    else:
        upright = _upright(picture, picture)
    if upright.has_transparency_data:
        layer = (upright.convert("LA") if upright.mode == "La" else upright).convert("RGBA")
        upright = PilImage.new("RGBA", layer.size, "white")
        upright.alpha_composite(layer)
    return torch.from_numpy(np.array(upright.convert("RGB"))).permute(2, 0, 1).contiguous()


def image_size(content: bytes) -> tuple[int, int]:
    """(width, height) of an image file's bytes as its header says it, before anything is decoded.

    Raises:
        DataError: They are no image.
    """
    try:
        with PilImage.open(BytesIO(content), formats=_FORMATS) as picture:
            return picture.size
    except Exception as e:  # as in `_decoded`; above Pillow's own limit it refuses, which `read_image` says better
        if isinstance(e, (PilImage.DecompressionBombError, PilImage.DecompressionBombWarning)):
            raise _too_large(content, "it claims") from None
        raise DataError(f"{_called(content)}: {_reason(content, e)}; replace it.") from None


def read_raw_labels(path: Path) -> Integer[np.ndarray, "H W"]:
    """A label file's ids as they stand in it: palette indices or gray values.

    Raises:
        DataError: The file is missing, unreadable, a JPEG, or holds colors instead of ids.
    """
    picture = _decoded_labels(path)
    if picture.mode not in ("1", "L", "P", "I", *_DEEP):
        raise DataError(f"{path}: expected label ids (a palette or gray PNG), found a picture of mode {picture.mode}.")
    ids = np.array(picture)
    return ids.astype(np.uint8) if ids.dtype == bool else ids


def read_label_colors(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """A label file's colors, for labels that are painted rather than numbered. Transparency is not looked at.

    Raises:
        DataError: The file is missing, unreadable or a JPEG, or has no 8-bit colors.
    """
    picture = _decoded_labels(path)
    if picture.mode not in ("RGB", "RGBA", "P", "L", "1"):
        raise DataError(f"{path}: expected labels in RGB colors, found a picture of mode {picture.mode}.")
    picture.info.pop("transparency", None)  # of no use in RGB, and Pillow warns of it
    return np.array(picture.convert("RGB"))


def colors_to_ids(rgb: UInt8[np.ndarray, "H W 3"], table: Mapping[RGB, int], source: str) -> Integer[np.ndarray, "H W"]:
    """Colors of a painted label picture -> raw ids (uint8 where they fit, else uint16).

    Args:
        rgb: The picture.
        table: Raw id of each color; at least one.
        source: What to call the picture in an error, usually the file's path.

    Raises:
        DataError: Some colors are not in the table; the text names them.
    """
    place = np.zeros(1 << 24, np.uint16)  # 1 is the table's first color, 0 is none; faster than a sorted search
    place[_packed(np.array(list(table), np.uint8))] = np.arange(1, len(table) + 1)
    colors = _packed(rgb)
    found = place[colors]
    if not found.all():
        foreign = np.unique(colors[found == 0])
        shown = ", ".join(str((int(c) >> 16, int(c) >> 8 & 255, int(c) & 255)) for c in foreign[:4])
        raise DataError(
            f"{source}: the colors {shown}{', …' if len(foreign) > 4 else ''} mean no class; expected the data set's"
            f" own ({len(table)}): export the labels again, without smoothing and without compression."
        )
    ids = np.array([0, *table.values()], np.uint8 if max(table.values()) < 256 else np.uint16)
    raw: Integer[np.ndarray, "H W"] = ids[found]
    return raw


def _packed(rgb: UInt8[np.ndarray, "*shape 3"]) -> Int32[np.ndarray, "*shape"]:
    """A color as one number of 24 bits."""
    packed = rgb[..., 0].astype(np.int32)
    for channel in (1, 2):
        packed <<= 8
        packed |= rgb[..., channel]
    return packed


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


def _decoded(source: Path | bytes) -> PilImage.Image:
    """The first picture of a file, decoded; whatever goes wrong with it becomes one sentence about the file."""
    try:
        # Not by its path: then Pillow maps some files into memory, and garbles sideways TIFFs (13.0).
        opened = BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        with opened as file, PilImage.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _too_large(source, f"{picture.width}x{picture.height} pixels are")
            picture.load()
            return picture
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{_called(source)}: there is no such file.") from None
    except (PilImage.DecompressionBombError, PilImage.DecompressionBombWarning):
        # Pillow's own limit lies above ours: far above it Pillow refuses a header, a little above it Pillow warns, and
        # we refuse. The warning is not silenced: `catch_warnings` would change every thread's filters for each image.
        raise _too_large(source, "it claims") from None
    except Exception as e:  # damaged bytes make Pillow's readers stumble in ways that are no list: nothing of ours runs
        raise DataError(f"{_called(source)}: {_reason(source, e)}; replace or remove the file.") from None


def _decoded_labels(path: Path) -> PilImage.Image:
    picture = _decoded(path)
    if picture.format in ("JPEG", "MPO", "JPEG2000"):
        raise DataError(
            f"{path}: labels must not be {picture.format}, whose compression changes ids; export them again as PNG."
        )
    return picture


def _called(source: Path | bytes) -> str:
    """What to call an image in a sentence."""
    return "the image" if isinstance(source, bytes) else str(source)


def _too_large(source: Path | bytes, what: str) -> DataError:
    return DataError(
        f"{_called(source)}: {what} more than the {MAX_PIXELS // 10**6} million pixels that are taken; scale it down or"
        " cut it into tiles."
    )


def _to_8_bits(picture: PilImage.Image) -> PilImage.Image:
    """A gray picture of 16 bits in 8, as Pillow does it to colors: the upper eight, so that 65535 is white.

    Where the file names a transparent value, the gray is joined by an alpha channel.
    """
    values = np.asarray(picture)
    tags = getattr(picture, "tag_v2", {})  # of a TIFF
    gray = (values >> (tags.get(_BITS_PER_SAMPLE, (16,))[0] - 8)).astype(np.uint8)  # 12 bits come unscaled
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero, which Pillow heeds in 8 bits only
        gray = 255 - gray
    clear = picture.info.get("transparency")
    if clear is None:
        return PilImage.fromarray(gray)
    alpha = np.where(values == clear, 0, 255).astype(np.uint8)
    return PilImage.merge("LA", (PilImage.fromarray(gray), PilImage.fromarray(alpha)))


def _upright(source: PilImage.Image, picture: PilImage.Image) -> PilImage.Image:
    """A picture turned as the EXIF data of its source says; as it is where they cannot be read, as viewers do."""
    try:
        turn = _TURNS.get(source.getexif().get(_ORIENTATION, 1))
    except Exception:  # of damaged bytes, as in `_decoded`
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _reason(source: Path | bytes, error: Exception) -> str:
    """What is wrong with a file that Pillow could not read."""
    if isinstance(source, Path) and source.is_dir():
        return "is a folder, not an image"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0:
        return "is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return "is no image, or of a format that is not known"
    if isinstance(error, (OSError, SyntaxError, ValueError)) and str(error):  # sentences of Pillow's
        return f"cannot be read as an image ({error})"
    return "is damaged"
