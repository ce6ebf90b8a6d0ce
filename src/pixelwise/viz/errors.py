"""Error map of a prediction, and difference map of two predictions."""

import numpy as np
from jaxtyping import Bool, UInt8

from pixelwise.core.label_space import IGNORE, RGB

WRONG = (230, 85, 0)
FIRST, SECOND = WRONG, (0, 114, 178)
"""Orange and blue, which contrast with gray and are distinct for color-blind readers too."""


def error_map(
    image: UInt8[np.ndarray, "H W 3"], predicted: UInt8[np.ndarray, "H W"], labels: UInt8[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
    """Draws the wrong pixels of a prediction in orange and void in black on the image in pale gray.

    Args:
        image: RGB, 0..255.
        predicted: Predicted class ids, 0..K-1.
        labels: True class ids, 0..K-1 or IGNORE.
    """
    return _colored_areas(image, labels, {WRONG: (predicted != labels)})


def difference_map(
    image: UInt8[np.ndarray, "H W 3"],
    labels: UInt8[np.ndarray, "H W"],
    first: UInt8[np.ndarray, "H W"],
    second: UInt8[np.ndarray, "H W"],
) -> UInt8[np.ndarray, "H W 3"]:
    """Draws the pixels that only one of two predictions has right on the image in pale gray.

    Pixels that only the first prediction has right are orange, those of the second one are blue, void is black.

    Args:
        image: RGB, 0..255.
        labels: True class ids, 0..K-1 or IGNORE.
        first: Class ids of the first prediction, 0..K-1.
        second: Class ids of the second prediction, 0..K-1.
    """
    first_correct, second_correct = first == labels, second == labels
    areas = {FIRST: first_correct & ~second_correct, SECOND: second_correct & ~first_correct}
    return _colored_areas(image, labels, areas)


def _colored_areas(
    image: UInt8[np.ndarray, "H W 3"], labels: UInt8[np.ndarray, "H W"], areas: dict[RGB, Bool[np.ndarray, "H W"]]
) -> UInt8[np.ndarray, "H W 3"]:
    gray = 128 + image.astype(np.float32).mean(2, keepdims=True) / 2
    picture = np.repeat(gray, 3, axis=2)
    for color, area in areas.items():
        picture[area] = 0.25 * picture[area] + 0.75 * np.array(color, np.float32)
    picture[labels == IGNORE] = 0
    rounded: UInt8[np.ndarray, "H W 3"] = picture.round().astype(np.uint8)
    return rounded
