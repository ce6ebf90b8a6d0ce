"""The application: limits first, then decoding, then the network."""

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
from pixelwise.serving.openapi import EXAMPLE, MODEL, SEGMENT, described, errors

ABOUT = 'Semantic segmentation of an image. Errors are JSON: {"error": a sentence}.'
BEARER = HTTPBearer(auto_error=False)


class Segmenting(Protocol):
    """A predictor, of a run or of an export."""

    label_space: LabelSpace
    epoch: int

    def segment(self, images: list[UInt8[np.ndarray, "_ _ 3"]], confidence: bool = False) -> list[Segmented]:
        """Class ids of several RGB images, and, where asked for and known, how sure it is of them."""
        ...


class Limits(NamedTuple):
    """What a request may cost.

    Attributes:
        bytes: Of its body.
        pixels: Of its image.
        seconds: From its arrival to its answer.
        concurrent: Requests that are processed at once, those waiting included.
    """

    bytes: int = 20_000_000
    pixels: int = 20_000_000
    seconds: float = 30.0
    concurrent: int = 32


DEFAULTS = Limits()


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: Of HTTP.
        sentence: What was wrong, and what to do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def build(
    predictor: Segmenting,
    name: str,
    limits: Limits = DEFAULTS,
    token: str | None = None,
    examples: Sequence[bytes] = (),
) -> FastAPI:
    """The application around a predictor.

    Args:
        predictor: What responses.
        name: The recipe's, shown to clients.
        limits: What is refused.
        token: Clients must send `Authorization: Bearer <token>`; None lets everyone in.
        examples: Image files (JPEG) that the page offers.
    """
    batches, monitoring = Batches(predictor.segment), Monitoring()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await batches.start()
        yield
        await batches.stop()

    app = FastAPI(title="pixelwise", version=__version__, description=ABOUT, lifespan=lifespan)
    guarded: dict[str, Any] = {}
    if token:
        guarded = {"dependencies": [Depends(_guard(token))], "responses": errors(401)}
    app.include_router(page.routes())

    @app.exception_handler(Refused)
    async def refuse(_: Request, error: Refused) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return JSONResponse({"error": error.sentence}, error.status, headers)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        sentence = f"{request.method} {request.url.path} is not answered here ({error.detail}): see /docs."
        return JSONResponse({"error": sentence}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"error": "the network failed on this image: the server's log says why."}, 500)

    @app.middleware("http")
    async def observe(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        return await monitoring.observe(request, go_on)

    @app.post("/v1/segment", **described(SEGMENT, guarded), response_class=Response)
    async def segment(request: Request) -> Response:
        """The body is an image file. `Accept` chooses the answer.

        `image/png` is the label map in the data set's own ids and palette, `image/vnd.pixelwise.overlay+png` the image
        with its classes over it, `application/json` the share and the outlines of each class.
        """
        kind = _kind(request.headers.get("accept", "*/*"))
        if monitoring.taken >= limits.concurrent:
            raise Refused(429, f"the server is processing {limits.concurrent} requests already: try again in a moment.")
        try:
            with monitoring.take():
                return await asyncio.wait_for(answer(kind, request), limits.seconds)
        except TimeoutError:
            raise Refused(503, f"no answer within {limits.seconds:g} seconds: try again later.") from None

    async def answer(kind: str, request: Request) -> Response:
        body = await _body(request, limits.bytes)
        image = await asyncio.to_thread(_decode, body, limits.pixels)
        found = await batches.segment(image, confidence=kind == responses.PAGE)
        if kind in (responses.NUMBERS, responses.PAGE):
            tell = responses.numbers if kind == responses.NUMBERS else responses.for_page
            return JSONResponse(await asyncio.to_thread(tell, found, predictor.label_space), media_type=kind)
        if kind == responses.OVERLAY:
            content = await asyncio.to_thread(responses.overlay_png, image, found.classes, predictor.label_space)
        else:
            content = await asyncio.to_thread(responses.labels_png, found.classes, predictor.label_space)
        return Response(content, media_type=kind)

    @app.get("/v1/model", **described(MODEL, guarded), response_model=None)
    async def model() -> dict[str, Any]:
        """What answers, its classes in the order of their ids, and how many examples there are."""
        space = predictor.label_space
        classes = [
            {"name": class_name, "raw_id": raw, "color": list(color)}
            for class_name, raw, color in zip(space.names, space.raw_ids, space.colors, strict=True)
        ]
        return {
            "name": name, "epoch": predictor.epoch, "classes": classes, "examples": len(examples),
            "pixelwise": __version__,
        }  # fmt: skip

    @app.get("/v1/examples/{number}", **described(EXAMPLE, guarded), response_class=Response)
    async def example(number: str) -> Response:
        """An image to try, from 0."""
        if not number.isascii() or not number.isdigit() or int(number[:9]) >= len(examples):
            raise Refused(404, f"there is no example {number}: /v1/model says how many there are.")
        return Response(examples[int(number[:9])], media_type="image/jpeg")

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Whether it runs."""
        return {"status": "ok"}

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(generate_latest(monitoring.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _guard(token: str) -> Callable[..., Awaitable[None]]:
    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise Refused(401, "send the server's token: Authorization: Bearer TOKEN.")

    return check


def _kind(accept: str) -> str:
    """The first kind of answer that a client takes."""
    for part in accept.split(","):
        wanted = part.split(";")[0].strip().lower()
        if wanted in responses.KINDS:
            return wanted
        if wanted in ("*/*", "image/*", ""):
            return responses.LABELS
    raise Refused(406, f"Accept: {accept} is not answered here; choose from {', '.join(responses.KINDS)}.")


async def _body(request: Request, most: int) -> bytes:
    """The body, read no further than it may be long."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise Refused(415, f"Content-Type: {kind} is no image: send the image file itself as the body.")
    sentence = f"the body is larger than {most} bytes: send a smaller image."
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > most:  # without one, it is counted below
        raise Refused(413, sentence)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Refused(413, sentence)
    if not body:
        raise Refused(422, "the body is empty: send the image file itself as the body.")
    return bytes(body)


def _decode(body: bytes, most: int) -> UInt8[np.ndarray, "H W 3"]:
    try:
        width, height = image_size(body)
        if width * height > most:
            raise Refused(413, f"the image has {width}x{height} pixels, more than the {most} that are taken.")
        pixels: UInt8[np.ndarray, "H W 3"] = read_image(body).permute(1, 2, 0).contiguous().numpy()
    except DataError as e:
        raise Refused(422, str(e)) from None
    return pixels
