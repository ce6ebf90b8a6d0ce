"""What a request is answered with: a label map, an overlay, shares and polygons, or all that the page shows."""

from base64 import b64encode
from io import BytesIO
from itertools import pairwise
from typing import Any

import contourpy
import numpy as np
from jaxtyping import UInt8
from PIL import Image as PilImage

from pixelwise.core.label_space import LabelSpace
from pixelwise.data.images import label_picture
from pixelwise.inference.predictor import Segmented
from pixelwise.viz.overlay import overlay

LABELS, OVERLAY, NUMBERS = "image/png", "image/vnd.pixelwise.overlay+png", "application/json"
PAGE = "application/vnd.pixelwise.page+json"
KINDS = (LABELS, OVERLAY, NUMBERS, PAGE)


def labels_png(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> bytes:
    """The file that `pixelwise predict` writes."""
    return _png(label_picture(classes, space))


def overlay_png(image: UInt8[np.ndarray, "H W 3"], classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> bytes:
    """The image with its classes over it."""
    return _png(PilImage.fromarray(overlay(image, classes, space)))


def numbers(segmented: Segmented, space: LabelSpace) -> dict[str, Any]:
    """Shares of the pixels by class, and outlines of the classes that occur."""
    classes = segmented.classes
    height, width = classes.shape
    counts = np.bincount(classes.ravel(), minlength=space.num_classes)
    found = [
        {
            "name": space.names[class_id],
            "raw_id": space.raw_ids[class_id],
            "share": float(counts[class_id] / classes.size),
            "polygons": polygons(classes == class_id),
        }
        for class_id in np.flatnonzero(counts[: space.num_classes]).tolist()
    ]
    return {"width": width, "height": height, "classes": found}


def for_page(found: Segmented, space: LabelSpace) -> dict[str, Any]:
    """What the page at `/` draws: the class of each pixel, and the confidence, each a gray PNG in base64."""
    height, width = found.classes.shape
    counts = np.bincount(found.classes.ravel(), minlength=space.num_classes)
    return {
        "width": width,
        "height": height,
        "shares": [count / found.classes.size for count in counts[: space.num_classes].tolist()],
        "classes": _base64(found.classes),
        "confidence": None if found.confidence is None else _base64(found.confidence),
    }


def _base64(gray: UInt8[np.ndarray, "H W"]) -> str:
    return b64encode(_png(PilImage.fromarray(gray))).decode()


def polygons(mask: np.ndarray) -> list[list[list[tuple[float, float]]]]:
    """Outlines of a mask: for each part, its outer ring and then its holes, as (x, y) in pixels from the upper left.

    A ring ends where it began and cuts the corners of pixels by half a pixel.
    """
    padded = np.pad(mask.astype(np.float32), 1)
    generator = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    found: Any = generator.filled(0.5, 2.0)  # its type knows of chunks without a point; here is one chunk
    points, offsets = found
    return [
        [_ring(part[start:end]) for start, end in pairwise(ends)] for part, ends in zip(points, offsets, strict=True)
    ]


def _ring(points: np.ndarray) -> list[tuple[float, float]]:
    """Without the points that lie on a straight line between their neighbors."""
    steps = np.diff(points, axis=0)
    turns = np.ones(len(points), bool)
    turns[1:-1] = ~np.isclose(steps[:-1, 0] * steps[1:, 1], steps[:-1, 1] * steps[1:, 0])
    return [(float(x) - 0.5, float(y) - 0.5) for x, y in points[turns]]


def _png(picture: PilImage.Image) -> bytes:
    file = BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
