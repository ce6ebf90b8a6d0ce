"""What the OpenAPI document says of requests whose bodies are images."""

from typing import Any

from pixelwise.serving import responses

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ERROR = {"schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}}
_TEXT, _COUNT, _SHARE = {"type": "string"}, {"type": "integer"}, {"type": "number", "minimum": 0, "maximum": 1}
_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def _object(about: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "description": about, "properties": fields, "required": list(fields)}


def _list(about: str, items: Any) -> dict[str, Any]:
    return {"type": "array", "description": about, "items": items}


_CLASS = _object(
    "A class that occurs.",
    name=_TEXT,
    raw_id=_COUNT,
    share={**_SHARE, "description": "Of the image's pixels."},
    polygons=_list(
        "Each part of it: its outer ring, then its holes, as points (x, y) in pixels from the upper left.",
        _list("Rings.", _list("A ring, which ends where it began.", _POINT)),
    ),
)
_NUMBERS = _object("Shares and outlines.", width=_COUNT, height=_COUNT, classes=_list("Those that occur.", _CLASS))
_PAGE = _object(
    "For the page at /: class ids and confidence as gray PNG in base64.",
    width=_COUNT,
    height=_COUNT,
    shares=_list("Of every class, in the order of /v1/model.", _SHARE),
    classes=_TEXT,
    confidence={"type": ["string", "null"], "description": "255 is sure; null where an export is served."},
)
_MODEL = _object(
    "What responses.",
    name=_TEXT,
    epoch=_COUNT,
    classes=_list(
        "In the order of their ids.", _object("A class.", name=_TEXT, raw_id=_COUNT, color=_list("RGB.", _COUNT))
    ),
    examples=_COUNT,
    pixelwise={**_TEXT, "description": "The version."},
)
_WHY = {
    401: "The token is missing or wrong.",
    404: "There is none of that number.",
    406: "No kind of answer that the client accepts.",
    413: "Too many bytes or pixels.",
    415: "The body says that it is no image.",
    422: "The body is no image that can be read.",
    429: "Too many wait.",
    500: "The network failed.",
    503: "It took too long.",
}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/tiff", "application/octet-stream")
"""Bodies that are written down; every `image/…` is taken."""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses that are a sentence."""
    return {status: {"description": _WHY[status], "content": {"application/json": _ERROR}} for status in statuses}


SEGMENT: dict[str, Any] = {
    "responses": {
        200: {
            "description": "What `Accept` asked for.",
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


def described(what: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Both, their responses together."""
    return {**what, **more, "responses": {**what["responses"], **more.get("responses", {})}}
