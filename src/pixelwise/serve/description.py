"""What the OpenAPI document says of requests whose bodies are images."""

from typing import Any

from pixelwise.serve import answers

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ERROR = {"schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}}
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
                answers.LABELS: _BINARY,
                answers.OVERLAY: _BINARY,
                answers.NUMBERS: {"schema": {"type": "object", "required": ["width", "height", "classes"]}},
                answers.PAGE: {"schema": {"type": "object"}},
            },
        },
        **errors(406, 413, 415, 422, 429, 500, 503),
    },
    "openapi_extra": {"requestBody": {"required": True, "content": dict.fromkeys(IMAGE_TYPES, _BINARY)}},
}
EXAMPLE: dict[str, Any] = {
    "responses": {200: {"description": "The image.", "content": {"image/jpeg": _BINARY}}, **errors(404)}
}


def described(what: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Both, their responses together."""
    return {**what, **more, "responses": {**what["responses"], **more.get("responses", {})}}
