"""Class maps as pictures: plain colors, laid over the image, with a legend."""

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.viz.legend import PAPER, legend, present


def colorise(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> UInt8[np.ndarray, "H W 3"]:
    """Every pixel in the color of its class, void in the void color.

    Args:
        classes: Class ids, 0..K-1 or `IGNORE`.
        space: The classes' colors.
    """
    return space.class_colors.take(classes, axis=0)


def overlay(
    image: UInt8[np.ndarray, "H W 3"],
    classes: UInt8[np.ndarray, "H W"],
    space: LabelSpace,
    opacity: float = 0.5,
) -> UInt8[np.ndarray, "H W 3"]:
    """Class colors over an image; the rim of every region is drawn at full strength, so that a thin pole is seen.

    Void pixels are those of the image, and so are the pixels of class 0 where it is called "background".

    Args:
        image: RGB, 0..255.
        classes: Class ids, 0..K-1 or `IGNORE`.
        space: The classes' colors.
        opacity: Strength of the colors inside a region, 0 (only rims) to 1 (only colors).

    Raises:
        ValueError: The opacity is outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in 0..1, not {opacity}")
    # In fixed point, 256 = 1: per class one product of color and strength, looked up; twice as fast as floats.
    strength = np.full(256, round(256 * opacity), np.uint16)
    clear = [IGNORE] + [0] * (space.names[0].lower() == "background")
    strength[clear] = 0
    color = space.class_colors * strength[:, None] + np.uint16(128)
    picture = image * (256 - strength).take(classes)[..., None]
    picture += color.take(classes, axis=0)
    picture >>= 8
    blended = picture.astype(np.uint8)
    rim = _rims(classes, _stroke(classes))
    rim &= ~np.isin(classes, clear)
    blended[rim] = space.class_colors[classes[rim]]
    return blended


def with_legend(
    picture: UInt8[np.ndarray, "H W 3"], classes: UInt8[np.ndarray, "_ _"], space: LabelSpace
) -> UInt8[np.ndarray, "_ _ 3"]:
    """A picture with the classes that occur below it, largest first, each with its share of all pixels.

    The result is as wide as the picture unless the longest class name needs more.

    Args:
        picture: What `overlay` or `colorise` made, at any scale.
        classes: The class ids that it shows, 0..K-1 or `IGNORE`.
        space: The classes' names and colors.
    """
    height, width = picture.shape[:2]
    size = int(np.clip(np.sqrt(height * width) / 40, 12, 64))
    strip = legend(present([classes], space), width, size)
    canvas = Image.new("RGB", (strip.width, height + strip.height), PAPER)
    canvas.paste(Image.fromarray(picture), ((strip.width - width) // 2, 0))
    canvas.paste(strip, (0, height))
    return np.array(canvas)


def scaled(picture: UInt8[np.ndarray, "H W 3"], side: int) -> Image.Image:
    """A picture whose longer side is `side` pixels: enlarged pixels stay square, reduced ones are averaged."""
    scale = side / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return Image.fromarray(picture).resize(size, method)


def _stroke(classes: UInt8[np.ndarray, "H W"]) -> int:
    """Width of a line that is still seen when a large picture is scaled to a page."""
    height, width = classes.shape
    return max(1, round(min(int(height), int(width)) / 500))


def _rims(classes: UInt8[np.ndarray, "H W"], width: int) -> Bool[np.ndarray, "H W"]:
    """Pixels with another class up to `width` pixels above, below, left or right of them."""
    rim = np.zeros(classes.shape, bool)
    for d in range(1, width + 1):
        across = classes[:, d:] != classes[:, :-d]
        rim[:, d:] |= across
        rim[:, :-d] |= across
        down = classes[d:] != classes[:-d]
        rim[d:] |= down
        rim[:-d] |= down
    return rim
