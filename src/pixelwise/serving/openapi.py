"""OpenAPI descriptions of the operations, which FastAPI cannot derive for bodies that are images."""

from typing import Any

from pixelwise.serving import responses

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ERROR = {"schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}}
_TEXT, _COUNT, _SHARE = {"type": "string"}, {"type": "integer"}, {"type": "number", "minimum": 0, "maximum": 1}
_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def _object(description: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "description": description, "properties": fields, "required": list(fields)}


def _list(description: str, items: Any) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items}


_CLASS = _object(
    "Class that occurs in the image.",
    name=_TEXT,
    raw_id=_COUNT,
    share={**_SHARE, "description": "Share of the pixels of the image."},
    polygons=_list(
        "Polygons: the outer ring, then the holes, as points (x, y) in pixels from the upper left corner.",
        _list("Rings.", _list("Closed ring: the last point is the first one.", _POINT)),
    ),
)
_NUMBERS = _object(
    "Shares and outlines of the classes.", width=_COUNT, height=_COUNT, classes=_list("Classes that occur.", _CLASS)
)
_PAGE = _object(
    "Data of the page at /: class ids and confidence as gray-scale PNG in base64.",
    width=_COUNT,
    height=_COUNT,
    shares=_list("Share of each class, in the order of /v1/model.", _SHARE),
    classes=_TEXT,
    confidence={"type": ["string", "null"], "description": "Confidence from 0 to 255; null if an export is served."},
)
_MODEL = _object(
    "The served network.",
    name=_TEXT,
    epoch=_COUNT,
    classes=_list(
        "Classes, in the order of their ids.",
        _object("A class.", name=_TEXT, raw_id=_COUNT, color=_list("RGB.", _COUNT)),
    ),
    examples=_COUNT,
    pixelwise={**_TEXT, "description": "Version of pixelwise."},
)
_REASONS = {
    401: "The token is missing or wrong.",
    404: "There is no example with this number.",
    406: "The client accepts none of the available media types.",
    413: "The image has too many bytes or pixels.",
    415: "The content type of the body is not an image.",
    422: "The body is not a readable image.",
    429: "Too many requests are in progress.",
    500: "The network failed.",
    503: "The response took too long.",
}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/tiff", "application/octet-stream")
"""Documented content types of a body; every `image/…` is accepted."""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Error responses, by HTTP status."""
    return {status: {"description": _REASONS[status], "content": {"application/json": _ERROR}} for status in statuses}


SEGMENT: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The prediction, in the media type that `Accept` selects.",
            "content": {
                responses.LABELS: _BINARY,
                responses.OVERLAY: _BINARY,
                responses.NUMBERS: {"schema": _NUMBERS},
                responses.PAGE: {"schema": _PAGE},
            },
        },
        **errors(406, 413, 415, 422, 429, 500, 503),
    },
    "openapi_extra": {"requestBody": {"required": True, "content": dict.fromkeys(IMAGE_TYPES, _BINARY)}},
}
MODEL: dict[str, Any] = {
    "responses": {
        200: {"description": "The network and its classes.", "content": {"application/json": {"schema": _MODEL}}}
    }
}
EXAMPLE: dict[str, Any] = {
    "responses": {200: {"description": "The image.", "content": {"image/jpeg": _BINARY}}, **errors(404)}
}


def operation(description: dict[str, Any], access: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a route: a description of the operation, extended by its access control.

    Args:
        description: One of `SEGMENT`, `MODEL` and `EXAMPLE`.
        access: Dependencies and additional responses; empty without a token.
    """
    return {**description, **access, "responses": {**description["responses"], **access.get("responses", {})}}
