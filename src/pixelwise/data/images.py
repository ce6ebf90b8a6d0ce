"""Reading and writing of image files and label files."""

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
"""Suffixes of image files in a folder."""

MAX_PIXELS = 80_000_000
"""Maximum number of pixels of an image. Larger images are refused by their header, before decoding fills the memory."""

_ORIENTATION, _BITS_PER_SAMPLE, _PHOTOMETRIC = 274, 258, 262  # tags of EXIF and TIFF

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000")
"""Formats that Pillow may open, whatever the suffix. Others are not photographs, or are programs (EPS)."""

_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")  # one channel of 16 bits; Pillow converts several channels to 8 bits itself

_TURNS = {
    2: PilImage.Transpose.FLIP_LEFT_RIGHT,
    3: PilImage.Transpose.ROTATE_180,
    4: PilImage.Transpose.FLIP_TOP_BOTTOM,
    5: PilImage.Transpose.TRANSPOSE,
    6: PilImage.Transpose.ROTATE_270,
    7: PilImage.Transpose.TRANSVERSE,
    8: PilImage.Transpose.ROTATE_90,
}
"""EXIF orientation -> operation that makes the picture upright."""


def read_image(source: Path | bytes) -> Image:
    """Reads an image file, or its bytes, as RGB: uint8 `[3, H, W]`.

    The image is rotated by its EXIF orientation. Gray, palette and CMYK images are converted to RGB, and channels of 16
    bits to 8 bits, without the lower eight. Transparent pixels are blended with white. The first frame of an animation
    or of a file with several pages is read. Color profiles are not applied.

    Raises:
        DataError: The file is missing, truncated, not an image, or above `MAX_PIXELS`; its values have no known range
            (32 bits, floats); or its colors cannot be converted to RGB (Lab).
    """
    picture = _decoded(source)
    if picture.mode in _DEEP or (picture.mode == "I" and picture.format == "PPM"):  # scaled to 16 bits by Pillow
        upright = _upright(picture, _to_8_bits(picture))
    elif picture.mode.startswith(("I", "F")) or picture.mode == "LAB":
        raise DataError(
            f"{_name(source)}: expected gray or RGB with 8 or 16 bits per channel, found mode {picture.mode}:"
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
    """Returns the (width, height) in the header of an image file, without decoding it.

    Args:
        content: The bytes of the file.

    Raises:
        DataError: The bytes are not an image, or the image is far above `MAX_PIXELS`.
    """
    try:
        with PilImage.open(BytesIO(content), formats=_FORMATS) as picture:
            return picture.size
    except Exception as e:  # as in `_decoded`
        if isinstance(e, (PilImage.DecompressionBombError, PilImage.DecompressionBombWarning)):
            raise _too_large(content) from None
        raise DataError(f"{_name(content)}: {_reason(content, e)}; replace it.") from None


def read_raw_labels(path: Path) -> Integer[np.ndarray, "H W"]:
    """Reads the raw ids of a label file: palette indices or gray values.

    Raises:
        DataError: The file is missing, unreadable or a JPEG, or contains colors instead of ids.
    """
    picture = _decoded_labels(path)
    if picture.mode not in ("1", "L", "P", "I", *_DEEP):
        raise DataError(f"{path}: expected label ids (a palette or gray PNG), found an image of mode {picture.mode}.")
    ids = np.array(picture)
    return ids.astype(np.uint8) if ids.dtype == bool else ids


def read_label_colors(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Reads the colors of a label file in RGB. Transparency is ignored.

    Raises:
        DataError: The file is missing, unreadable or a JPEG, or has no 8-bit colors.
    """
    picture = _decoded_labels(path)
    if picture.mode not in ("RGB", "RGBA", "P", "L", "1"):
        raise DataError(f"{path}: expected labels in RGB colors, found an image of mode {picture.mode}.")
    picture.info.pop("transparency", None)  # it has no meaning in RGB, and Pillow would warn
    return np.array(picture.convert("RGB"))


def colors_to_ids(rgb: UInt8[np.ndarray, "H W 3"], table: Mapping[RGB, int], source: str) -> Integer[np.ndarray, "H W"]:
    """Converts the colors of a label image to raw ids: uint8 if they fit, else uint16.

    Args:
        rgb: The label image.
        table: Color -> raw id; not empty.
        source: Name of the label image in error messages, usually the path of the file.

    Raises:
        DataError: Some colors are not in the table. The message lists them.
    """
    # Position of each color in the table, from 1; 0 is none. A lookup is faster than a sorted search.
    positions = np.zeros(1 << 24, np.uint16)
    positions[_packed(np.array(list(table), np.uint8))] = np.arange(1, len(table) + 1)
    colors = _packed(rgb)
    position = positions[colors]
    if not position.all():
        unknown = np.unique(colors[position == 0])
        shown = ", ".join(str((int(c) >> 16, int(c) >> 8 & 255, int(c) & 255)) for c in unknown[:4])
        raise DataError(
            f"{source}: the colors {shown}{', …' if len(unknown) > 4 else ''} belong to no class; expected the"
            f" {len(table)} colors of the data set: export the labels again, without smoothing and without compression."
        )
    ids = np.array([0, *table.values()], np.uint8 if max(table.values()) < 256 else np.uint16)
    raw: Integer[np.ndarray, "H W"] = ids[position]
    return raw


def _packed(rgb: UInt8[np.ndarray, "*shape 3"]) -> Int32[np.ndarray, "*shape"]:
    """Packs each color into one number of 24 bits."""
    packed = rgb[..., 0].astype(np.int32)
    for channel in (1, 2):
        packed <<= 8
        packed |= rgb[..., channel]
    return packed


def label_picture(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> PilImage.Image:
    """Converts class ids to a label image: raw ids with the palette of the data set, or 16-bit gray for large ids."""
    raw = space.to_raw(classes)
    picture = PilImage.fromarray(raw)
    if raw.dtype == np.uint8:
        picture.putpalette(space.raw_palette())
    return picture


def write_png(path: Path, picture: PilImage.Image) -> None:
    """Writes a PNG file in one atomic step.

    Raises:
        RunError: The folder is not writable.
    """
    write_atomic(path, lambda temp: picture.save(temp, format="PNG"))


def _decoded(source: Path | bytes) -> PilImage.Image:
    """Decodes the first picture of a file. Every failure becomes a `DataError`."""
    try:
        # An open file instead of a path: Pillow 13.0 maps some paths into memory and decodes rotated TIFFs wrongly.
        opened = BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        with opened as file, PilImage.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _too_large(source, f"{picture.width}x{picture.height} pixels")
            picture.load()
            return picture
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{_name(source)}: there is no such file.") from None
    except (PilImage.DecompressionBombError, PilImage.DecompressionBombWarning):
        # Pillow warns above its own limit, which is higher than `MAX_PIXELS`, and refuses far above it. The warning is
        # not silenced, because `catch_warnings` would change the filters of every thread for each image.
        raise _too_large(source) from None
    except Exception as e:  # Pillow's readers raise many types of errors for damaged bytes; no own code runs here
        raise DataError(f"{_name(source)}: {_reason(source, e)}; replace or remove the file.") from None


def _decoded_labels(path: Path) -> PilImage.Image:
    picture = _decoded(path)
    if picture.format in ("JPEG", "MPO", "JPEG2000"):
        raise DataError(
            f"{path}: labels must not be {picture.format}, whose compression changes ids; export them again as PNG."
        )
    return picture


def _name(source: Path | bytes) -> str:
    """Returns the name of an image in error messages."""
    return "the image" if isinstance(source, bytes) else str(source)


def _too_large(source: Path | bytes, size: str = "the image") -> DataError:
    return DataError(
        f"{_name(source)}: {size} exceeds the limit of {MAX_PIXELS // 10**6} million pixels; scale it down or cut it"
        " into tiles."
    )


def _to_8_bits(picture: PilImage.Image) -> PilImage.Image:
    """Converts a gray picture from 16 to 8 bits, the upper eight, as Pillow converts colors: 65535 becomes white.

    If the file has a transparent value, an alpha channel is added.
    """
    values = np.asarray(picture)
    tags = getattr(picture, "tag_v2", {})  # of TIFF files
    gray = (values >> (tags.get(_BITS_PER_SAMPLE, (16,))[0] - 8)).astype(np.uint8)  # 12 bits are not scaled to 16
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero; Pillow handles it in 8 bits only
        gray = 255 - gray
    clear = picture.info.get("transparency")
    if clear is None:
        return PilImage.fromarray(gray)
    alpha = np.where(values == clear, 0, 255).astype(np.uint8)
    return PilImage.merge("LA", (PilImage.fromarray(gray), PilImage.fromarray(alpha)))


def _upright(source: PilImage.Image, picture: PilImage.Image) -> PilImage.Image:
    """Rotates a picture by the EXIF orientation of its source. Unreadable EXIF data is ignored, as viewers do."""
    try:
        turn = _TURNS.get(source.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged bytes, as in `_decoded`
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _reason(source: Path | bytes, error: Exception) -> str:
    """Returns the reason why Pillow could not read a file."""
    if isinstance(source, Path) and source.is_dir():
        return "is a folder, not an image"
    if isinstance(error, PermissionError):
        return "cannot be read (permission denied)"
    if (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0:
        return "is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return "is not an image, or has an unsupported format"
    if isinstance(error, (OSError, SyntaxError, ValueError)) and str(error):  # messages of Pillow
        return f"cannot be read as an image ({error})"
    return "is damaged"
