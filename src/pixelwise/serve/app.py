"""The application: limits first, then decoding, then the network."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from jaxtyping import UInt8
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pixelwise import __version__
from pixelwise.core.errors import BadData
from pixelwise.core.labels import LabelSpace
from pixelwise.data.images import image_size, read_image
from pixelwise.serve import answers
from pixelwise.serve.batches import Batches, QueueFull

ABOUT = 'Semantic segmentation of an image. Errors are JSON: {"error": a sentence}.'
KINDS = (answers.LABELS, answers.OVERLAY, answers.NUMBERS)


class Segmenting(Protocol):
    """A predictor, of a run or of an export."""

    space: LabelSpace
    epoch: int

    def classes(self, images: list[UInt8[np.ndarray, "_ _ 3"]]) -> list[UInt8[np.ndarray, "_ _"]]:
        """Class ids of several RGB images."""
        ...


class Limits(NamedTuple):
    """What a request may cost.

    Attributes:
        bytes: Of its body.
        pixels: Of its image.
        seconds: From its arrival to its answer.
        waiting: Images that may wait together.
    """

    bytes: int = 20_000_000
    pixels: int = 20_000_000
    seconds: float = 30.0
    waiting: int = 32


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


def build(predictor: Segmenting, name: str, limits: Limits = DEFAULTS, token: str | None = None) -> FastAPI:
    """The application around a predictor.

    Args:
        predictor: What answers.
        name: The recipe's, shown to clients.
        limits: What is refused.
        token: Clients must send `Authorization: Bearer <token>`; None lets everyone in.
    """
    batches = Batches(predictor.classes, limits.waiting)
    registry = CollectorRegistry()
    requests = Counter("pixelwise_requests", "Requests to segment, by status", ["status"], registry=registry)
    seconds = Histogram("pixelwise_seconds", "From arrival to answer", registry=registry)
    waiting = Gauge("pixelwise_waiting", "Images that wait for the network", registry=registry)
    waiting.set_function(lambda: batches.length)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await batches.start()
        yield
        await batches.stop()

    app = FastAPI(title="pixelwise", version=__version__, description=ABOUT, lifespan=lifespan)

    @app.exception_handler(Refused)
    async def refuse(_: Request, error: Refused) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return JSONResponse({"error": error.sentence}, error.status, headers)

    @app.middleware("http")
    async def watch(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path != "/v1/segment":
            return await go_on(request)
        began = time.perf_counter()
        response = await go_on(request)
        requests.labels(response.status_code).inc()
        seconds.observe(time.perf_counter() - began)
        return response

    @app.post("/v1/segment", responses={200: {"content": {kind: {} for kind in KINDS}}}, response_class=Response)
    async def segment(request: Request, accept: Annotated[str, Header()] = "*/*") -> Response:
        """The body is an image file. `Accept` chooses the answer.

        `image/png` is the label map in the data set's own ids and palette, `image/vnd.pixelwise.overlay+png` the image
        with its classes over it, `application/json` the share and the outlines of each class.
        """
        _check_token(request, token)
        kind = _kind(accept)
        body = await _body(request, limits.bytes)
        try:
            return await asyncio.wait_for(answer(kind, body), limits.seconds)
        except TimeoutError:
            raise Refused(503, f"no answer within {limits.seconds:g} seconds: try again later.") from None
        except QueueFull:
            raise Refused(429, f"{limits.waiting} images wait already: try again in a moment.") from None

    async def answer(kind: str, body: bytes) -> Response:
        image = await asyncio.to_thread(_decode, body, limits.pixels)
        classes = await batches.segment(image)
        if kind == answers.NUMBERS:
            return JSONResponse(await asyncio.to_thread(answers.numbers, classes, predictor.space))
        if kind == answers.OVERLAY:
            return Response(
                await asyncio.to_thread(answers.overlay_png, image, classes, predictor.space), media_type=kind
            )
        return Response(await asyncio.to_thread(answers.labels_png, classes, predictor.space), media_type=kind)

    @app.get("/v1/model")
    async def model() -> dict[str, Any]:
        """What answers, and its classes."""
        space = predictor.space
        classes = [
            {"name": name, "raw_id": raw, "colour": list(colour)}
            for name, raw, colour in zip(space.names, space.raw_ids, space.colours, strict=True)
        ]
        return {"name": name_of_model, "epoch": predictor.epoch, "classes": classes, "pixelwise": __version__}

    name_of_model = name

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Whether it runs."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _check_token(request: Request, token: str | None) -> None:
    given = request.headers.get("authorization", "")
    if token is not None and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Refused(401, "send the server's token: Authorization: Bearer TOKEN.")


def _kind(accept: str) -> str:
    """The first kind of answer that a client takes."""
    for part in accept.split(","):
        wanted = part.split(";")[0].strip().lower()
        if wanted in KINDS:
            return wanted
        if wanted in ("*/*", "image/*", ""):
            return answers.LABELS
    raise Refused(406, f"Accept: {accept} is not answered here; choose from {', '.join(KINDS)}.")


async def _body(request: Request, most: int) -> bytes:
    """The body, read no further than it may be long."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise Refused(415, f"Content-Type: {kind} is no image: send the image file itself as the body.")
    sentence = f"the body is larger than {most} bytes: send a smaller image."
    if int(request.headers.get("content-length") or 0) > most:
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
    except BadData as e:
        raise Refused(422, str(e)) from None
    return pixels
