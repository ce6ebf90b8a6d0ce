"""Where a prediction is wrong."""

import numpy as np
from jaxtyping import Bool, UInt8

from pixelwise.core.labels import IGNORE

WRONG = (230, 85, 0)
"""Orange, which stands out of gray for colour-blind readers too."""


def errors(
    image: UInt8[np.ndarray, "H W 3"], predicted: UInt8[np.ndarray, "H W"], labels: UInt8[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
    """The image in pale gray, its wrong pixels orange, void black.

    Args:
        image: RGB.
        predicted: Class ids.
        labels: True class ids, or IGNORE.
    """
    gray = 128 + image.astype(np.float32).mean(2, keepdims=True) / 2
    picture = np.repeat(gray, 3, axis=2)
    wrong: Bool[np.ndarray, "H W"] = (predicted != labels) & (labels != IGNORE)
    picture[wrong] = 0.25 * picture[wrong] + 0.75 * np.array(WRONG, np.float32)
    picture[labels == IGNORE] = 0
    shown: UInt8[np.ndarray, "H W 3"] = picture.round().astype(np.uint8)
    return shown
