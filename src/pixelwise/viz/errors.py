"""Where a prediction is wrong, and which of two is right."""

import numpy as np
from jaxtyping import Bool, UInt8

from pixelwise.core.label_space import IGNORE, RGB

WRONG = (230, 85, 0)
FIRST, SECOND = WRONG, (0, 114, 178)
"""Orange and blue, which stand out of gray and stay apart for color-blind readers too."""


def errors(
    image: UInt8[np.ndarray, "H W 3"], predicted: UInt8[np.ndarray, "H W"], labels: UInt8[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
    """The image in pale gray, its wrong pixels orange, void black.

    Args:
        image: RGB.
        predicted: Class ids.
        labels: True class ids, or IGNORE.
    """
    return _painted(image, labels, {WRONG: (predicted != labels)})


def who(
    image: UInt8[np.ndarray, "H W 3"],
    labels: UInt8[np.ndarray, "H W"],
    first: UInt8[np.ndarray, "H W"],
    second: UInt8[np.ndarray, "H W"],
) -> UInt8[np.ndarray, "H W 3"]:
    """The image in pale gray, orange where the first prediction alone is right, blue where the second is, void black.

    Args:
        image: RGB.
        labels: True class ids, or IGNORE.
        first: Class ids.
        second: Class ids.
    """
    one, two = first == labels, second == labels
    return _painted(image, labels, {FIRST: one & ~two, SECOND: two & ~one})


def _painted(
    image: UInt8[np.ndarray, "H W 3"], labels: UInt8[np.ndarray, "H W"], where: dict[RGB, Bool[np.ndarray, "H W"]]
) -> UInt8[np.ndarray, "H W 3"]:
    gray = 128 + image.astype(np.float32).mean(2, keepdims=True) / 2
    picture = np.repeat(gray, 3, axis=2)
    for color, area in where.items():
        picture[area] = 0.25 * picture[area] + 0.75 * np.array(color, np.float32)
    picture[labels == IGNORE] = 0
    shown: UInt8[np.ndarray, "H W 3"] = picture.round().astype(np.uint8)
    return shown
