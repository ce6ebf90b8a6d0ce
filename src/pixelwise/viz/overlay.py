"""Class maps as images: in class colors, as an overlay on the image, and with a legend."""

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.viz.legend import PAPER, legend, present


def colorize(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> UInt8[np.ndarray, "H W 3"]:
    """Converts class ids to the colors of the classes; void has the void color.

    Args:
        classes: Class ids, 0..K-1 or `IGNORE`.
        space: Label space with the colors.
    """
    return space.class_colors.take(classes, axis=0)


def overlay(
    image: UInt8[np.ndarray, "H W 3"],
    classes: UInt8[np.ndarray, "H W"],
    space: LabelSpace,
    opacity: float = 0.5,
) -> UInt8[np.ndarray, "H W 3"]:
    """Blends class colors over an image. The border of every region is opaque, so that thin objects are visible.

    Void pixels show the image, and so do the pixels of class 0 if its name is "background".

    Args:
        image: RGB, 0..255.
        classes: Class ids, 0..K-1 or `IGNORE`.
        space: Label space with the colors.
        opacity: Opacity of the colors inside a region, from 0 (only borders are visible) to 1 (opaque).

    Raises:
        ValueError: The opacity is outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in 0..1, not {opacity}")
    # Fixed-point arithmetic (256 is 1) with one product of color and opacity per class is twice as fast as floats.
    alpha = np.full(256, round(256 * opacity), np.uint16)
    clear = [IGNORE] + [0] * (space.names[0].lower() == "background")
    alpha[clear] = 0
    color = space.class_colors * alpha[:, None] + np.uint16(128)
    picture = image * (256 - alpha).take(classes)[..., None]
    picture += color.take(classes, axis=0)
    picture >>= 8
    blended = picture.astype(np.uint8)
    borders = _borders(classes, _border_width(classes))
    borders &= ~np.isin(classes, clear)
    blended[borders] = space.class_colors[classes[borders]]
    return blended


def with_legend(
    picture: UInt8[np.ndarray, "H W 3"], classes: UInt8[np.ndarray, "_ _"], space: LabelSpace
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Appends a legend of the classes that occur, in descending order of their share, below a picture.

    The result is as wide as the picture, or wider if the longest class name needs it.

    Args:
        picture: Result of `overlay` or `colorize`, at any scale.
        classes: Class ids in the picture, 0..K-1 or `IGNORE`.
        space: Names and colors of the classes.
    """
    height, width = picture.shape[:2]
    size = int(np.clip(np.sqrt(height * width) / 40, 12, 64))
    strip = legend(present([classes], space), width, size)
    canvas = Image.new("RGB", (strip.width, height + strip.height), PAPER)
    canvas.paste(Image.fromarray(picture), ((strip.width - width) // 2, 0))
    canvas.paste(strip, (0, height))
    return np.array(canvas)


def scaled(picture: UInt8[np.ndarray, "H W 3"], side: int) -> Image.Image:
    """Scales a picture so that its longer side has `side` pixels. Enlarging repeats pixels, reducing averages them."""
    scale = side / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return Image.fromarray(picture).resize(size, method)


def _border_width(classes: UInt8[np.ndarray, "H W"]) -> int:
    """Returns a width in pixels that remains visible when a large picture is scaled to a page."""
    height, width = classes.shape
    return max(1, round(min(int(height), int(width)) / 500))


def _borders(classes: UInt8[np.ndarray, "H W"], width: int) -> Bool[np.ndarray, "H W"]:
    """Marks the pixels with another class at most `width` pixels above, below, left or right of them."""
    borders = np.zeros(classes.shape, bool)
    for d in range(1, width + 1):
        across = classes[:, d:] != classes[:, :-d]
        borders[:, d:] |= across
        borders[:, :-d] |= across
        down = classes[d:] != classes[:-d]
        borders[d:] |= down
        borders[:-d] |= down
    return borders
