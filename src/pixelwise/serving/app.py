"""FastAPI application around a predictor: limits are checked first, then the image is decoded and predicted."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from fastapi import Depends, FastAPI, Request, Security
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jaxtyping import UInt8
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from pixelwise import __version__
from pixelwise.core.errors import DataError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data.images import image_size, read_image
from pixelwise.inference.predictor import Segmented
from pixelwise.serving import page, responses
from pixelwise.serving.batches import Batches
from pixelwise.serving.monitoring import Monitoring
from pixelwise.serving.openapi import EXAMPLE, MODEL, SEGMENT, errors, operation

DESCRIPTION = 'Semantic segmentation of an image. Errors are JSON: {"error": message}.'
BEARER = HTTPBearer(auto_error=False)


class ImagePredictor(Protocol):
    """Predictor of a run or of an export.

    Attributes:
        label_space: Its classes.
        epoch: Epoch of its weights.
    """

    label_space: LabelSpace
    epoch: int

    def segment(self, images: list[UInt8[np.ndarray, "_ _ 3"]], confidence: bool = False) -> list[Segmented]:
        """Class ids of several RGB images, and their confidence if it was requested and is available."""
        ...


class Limits(NamedTuple):
    """Limits of requests. A request beyond a limit is rejected.

    Attributes:
        body_bytes: Maximum size of a body, in bytes.
        pixels: Maximum number of pixels of an image.
        timeout: Maximum time from the arrival of a request to its response, in seconds.
        concurrent: Maximum number of requests that are processed at the same time, including waiting ones.
    """

    body_bytes: int = 20_000_000
    pixels: int = 20_000_000
    timeout: float = 30.0
    concurrent: int = 32


DEFAULT_LIMITS = Limits()


class RequestError(Exception):
    """Error that is sent as the response to a request.

    Args:
        status: HTTP status.
        message: What was wrong, and what the client can do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def build(
    predictor: ImagePredictor,
    name: str,
    limits: Limits = DEFAULT_LIMITS,
    token: str | None = None,
    examples: Sequence[bytes] = (),
) -> FastAPI:
    """Builds the application around a predictor.

    Args:
        predictor: The predictor.
        name: Name that is shown to clients, such as that of the recipe.
        limits: Limits of requests.
        token: Token that clients must send as `Authorization: Bearer <token>`; None requires none.
        examples: JPEG files that the page offers.
    """
    batches, monitoring = Batches(predictor.segment), Monitoring()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await batches.start()
        yield
        await batches.stop()

    app = FastAPI(title="pixelwise", version=__version__, description=DESCRIPTION, lifespan=lifespan)
    access: dict[str, Any] = {}
    if token:
        access = {"dependencies": [Depends(_require_token(token))], "responses": errors(401)}
    app.include_router(page.routes())

    @app.exception_handler(RequestError)
    async def reject(_: Request, error: RequestError) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return JSONResponse({"error": error.message}, error.status, headers)

    @app.exception_handler(HTTPException)
    async def reject_address(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path} is not part of this API ({error.detail}): see /docs."
        return JSONResponse({"error": message}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def fail(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"error": "the network failed on this image: see the server's log."}, 500)

    @app.middleware("http")
    async def observe(request: Request, respond: Callable[[Request], Awaitable[Response]]) -> Response:
        return await monitoring.observe(request, respond)

    @app.post("/v1/segment", **operation(SEGMENT, access), response_class=Response)
    async def segment(request: Request) -> Response:
        """Segments an image. The body is an image file; `Accept` selects the type of the response.

        `image/png` is the label map with the ids and the palette of the data set, `image/vnd.pixelwise.overlay+png` the
        image with an overlay of its classes, `application/json` the share of pixels and the outlines of each class.
        """
        media_type = _media_type(request.headers.get("accept", "*/*"))
        if monitoring.in_progress >= limits.concurrent:
            raise RequestError(
                429, f"the server already processes {limits.concurrent} requests: try again in a moment."
            )
        try:
            with monitoring.count_in_progress():
                return await asyncio.wait_for(predict(media_type, request), limits.timeout)
        except TimeoutError:
            raise RequestError(503, f"no response within {limits.timeout:g} seconds: try again later.") from None

    async def predict(media_type: str, request: Request) -> Response:
        body = await _read_body(request, limits.body_bytes)
        image = await asyncio.to_thread(_decode, body, limits.pixels)
        segmented = await batches.segment(image, confidence=media_type == responses.PAGE)
        space = predictor.label_space
        if media_type in (responses.NUMBERS, responses.PAGE):
            as_json = responses.numbers if media_type == responses.NUMBERS else responses.for_page
            return JSONResponse(await asyncio.to_thread(as_json, segmented, space), media_type=media_type)
        if media_type == responses.OVERLAY:
            content = await asyncio.to_thread(responses.overlay_png, image, segmented.classes, space)
        else:
            content = await asyncio.to_thread(responses.labels_png, segmented.classes, space)
        return Response(content, media_type=media_type)

    @app.get("/v1/model", **operation(MODEL, access), response_model=None)
    async def model() -> dict[str, Any]:
        """Name and classes of the network, in the order of the class ids, and the number of examples."""
        space = predictor.label_space
        classes = [
            {"name": class_name, "raw_id": raw, "color": list(color)}
            for class_name, raw, color in zip(space.names, space.raw_ids, space.colors, strict=True)
        ]
        return {
            "name": name, "epoch": predictor.epoch, "classes": classes, "examples": len(examples),
            "pixelwise": __version__,
        }  # fmt: skip

    @app.get("/v1/examples/{number}", **operation(EXAMPLE, access), response_class=Response)
    async def example(number: str) -> Response:
        """An example image; the first one has number 0."""
        if not number.isascii() or not number.isdigit() or int(number[:9]) >= len(examples):
            raise RequestError(404, f"there is no example {number}: /v1/model has the number of examples.")
        return Response(examples[int(number[:9])], media_type="image/jpeg")

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Health check."""
        return {"status": "ok"}

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """Metrics in the format of Prometheus."""
        return Response(generate_latest(monitoring.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _require_token(token: str) -> Callable[..., Awaitable[None]]:
    """Dependency that rejects requests without the token."""

    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise RequestError(401, "send the server's token: Authorization: Bearer TOKEN.")

    return check


def _media_type(accept: str) -> str:
    """The first media type of an Accept header that the server can send."""
    for part in accept.split(","):
        media_type = part.split(";")[0].strip().lower()
        if media_type in responses.MEDIA_TYPES:
            return media_type
        if media_type in ("*/*", "image/*", ""):
            return responses.LABELS
    raise RequestError(406, f"Accept: {accept} is not available; choose from {', '.join(responses.MEDIA_TYPES)}.")


async def _read_body(request: Request, max_bytes: int) -> bytes:
    """Body of a request. Reading stops at the maximum size."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type and not content_type.startswith("image/") and content_type != "application/octet-stream":
        raise RequestError(
            415, f"Content-Type: {content_type} is not an image: send the image file itself as the body."
        )
    too_large = RequestError(413, f"the body is larger than {max_bytes} bytes: send a smaller image.")
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > max_bytes:  # a missing length is counted below
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise too_large
    if not body:
        raise RequestError(422, "the body is empty: send the image file itself as the body.")
    return bytes(body)


def _decode(body: bytes, max_pixels: int) -> UInt8[np.ndarray, "H W 3"]:
    """RGB pixels of an image file. The number of pixels is checked before they are decoded."""
    try:
        width, height = image_size(body)
        if width * height > max_pixels:
            raise RequestError(
                413,
                f"the image has {width}x{height} pixels, more than the maximum of {max_pixels}: send a smaller image.",
            )
        pixels: UInt8[np.ndarray, "H W 3"] = read_image(body).permute(1, 2, 0).contiguous().numpy()
    except DataError as e:
        raise RequestError(422, str(e)) from None
    return pixels
