"""Bodies of responses: label map, overlay, shares and polygons, or the data of the page."""

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
MEDIA_TYPES = (LABELS, OVERLAY, NUMBERS, PAGE)


def labels_png(classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> bytes:
    """Label map as PNG, the same bytes that `pixelwise predict` writes."""
    return _png(label_picture(classes, space))


def overlay_png(image: UInt8[np.ndarray, "H W 3"], classes: UInt8[np.ndarray, "H W"], space: LabelSpace) -> bytes:
    """Overlay of the classes on the image, as PNG."""
    return _png(PilImage.fromarray(overlay(image, classes, space)))


def numbers(segmented: Segmented, space: LabelSpace) -> dict[str, Any]:
    """Share of the pixels and outlines of each class that occurs."""
    classes = segmented.classes
    height, width = classes.shape
    counts = np.bincount(classes.ravel(), minlength=space.num_classes)
    present = [
        {
            "name": space.names[class_id],
            "raw_id": space.raw_ids[class_id],
            "share": float(counts[class_id] / classes.size),
            "polygons": polygons(classes == class_id),
        }
        for class_id in np.flatnonzero(counts[: space.num_classes]).tolist()
    ]
    return {"width": width, "height": height, "classes": present}


def for_page(segmented: Segmented, space: LabelSpace) -> dict[str, Any]:
    """Data of the page at `/`: class ids and confidence of each pixel, as gray-scale PNG in base64."""
    height, width = segmented.classes.shape
    counts = np.bincount(segmented.classes.ravel(), minlength=space.num_classes)
    return {
        "width": width,
        "height": height,
        "shares": [count / segmented.classes.size for count in counts[: space.num_classes].tolist()],
        "classes": _base64(segmented.classes),
        "confidence": None if segmented.confidence is None else _base64(segmented.confidence),
    }


def _base64(gray: UInt8[np.ndarray, "H W"]) -> str:
    return b64encode(_png(PilImage.fromarray(gray))).decode()


def polygons(mask: np.ndarray) -> list[list[list[tuple[float, float]]]]:
    """Outlines of a mask: for each connected part, the outer ring and then the holes.

    Points are (x, y) in pixels from the upper left corner. The last point of a ring is its first. Rings cut the corners
    of pixels by half a pixel.
    """
    padded = np.pad(mask.astype(np.float32), 1)
    generator = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    contours: Any = generator.filled(0.5, 2.0)  # Any: the declared type includes chunks without points
    points, offsets = contours
    return [
        [_ring(part[start:end]) for start, end in pairwise(ends)] for part, ends in zip(points, offsets, strict=True)
    ]


def _ring(points: np.ndarray) -> list[tuple[float, float]]:
    """Points of a ring, without those on a straight line between their neighbors."""
    steps = np.diff(points, axis=0)
    turns = np.ones(len(points), bool)
    turns[1:-1] = ~np.isclose(steps[:-1, 0] * steps[1:, 1], steps[:-1, 1] * steps[1:, 0])
    return [(float(x) - 0.5, float(y) - 0.5) for x, y in points[turns]]


def _png(picture: PilImage.Image) -> bytes:
    file = BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
