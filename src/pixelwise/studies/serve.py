"""A run or an export behind HTTP."""

import os
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from PIL import Image as PilImage
from torch import Tensor

from pixelwise.core.errors import BadData, InvalidSpec, PixelwiseError, RunError
from pixelwise.data import find_data_root
from pixelwise.data.base import evenly_spaced
from pixelwise.data.files import list_images
from pixelwise.data.images import read_image
from pixelwise.engine.exported import ABOUT, ExportedPredictor
from pixelwise.engine.predictor import Predictor
from pixelwise.experiment import Experiment
from pixelwise.runs import Run

EXAMPLES = 6
"""Images that the page offers at most."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that other machines do not reach."""


def serve(
    source: Path, host: str = "127.0.0.1", port: int = 8000, token: str | None = None, *, megabytes: float = 20,
    megapixels: float = 20, seconds: float = 30, waiting: int = 32, examples: Path | None = None,
    ready: Callable[[str], None] = lambda _: None,
) -> None:  # fmt: skip
    """Answers requests until it is interrupted, and then finishes those that it has begun.

    Args:
        source: A run's or an export's folder.
        host: The address that is listened on; only this machine reaches the default.
        port: The port; 0 takes a free one.
        token: What clients have to send; None lets everyone in who reaches the address.
        megabytes: Largest body.
        megapixels: Largest image.
        seconds: Longest time to an answer.
        waiting: Requests that are taken at once.
        examples: See `application`.
        ready: Is told the server's address when the network is loaded.

    Raises:
        BadData: `examples` holds no image, or one that cannot be read.
        InvalidSpec: A limit is not above 0, or the libraries of the extra `serve` are not there.
        RunError: The folder is neither a run nor an export, or is damaged; or the address cannot be listened on.
    """
    try:
        import uvicorn
    except ModuleNotFoundError as e:
        raise _missing(e) from None

    with _listening(host, port) as door:  # first: a port that is taken is told before the network is loaded
        app = application(
            source, token, alone=host in LOOPBACK, megabytes=megabytes, megapixels=megapixels, seconds=seconds,
            waiting=waiting, examples=examples,
        )  # fmt: skip
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=int(seconds) + 1)
        ready(f"http://{f'[{host}]' if ':' in host else host}:{door.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[door])


def application(
    source: Path, token: str | None = None, *, alone: bool, megabytes: float = 20, megapixels: float = 20,
    seconds: float = 30, waiting: int = 32, examples: Path | None = None,
) -> Any:  # fmt: skip
    """The application of FastAPI that serves a run or an export.

    Args:
        source: Its folder.
        token: What clients have to send.
        alone: Whether no other machine is answered.
        megabytes: Largest body.
        megapixels: Largest image.
        seconds: Longest time to an answer.
        waiting: Requests that are taken at once.
        examples: A folder of images that the page offers; None offers validation images of the run, where they are at
            hand, to this machine alone: nobody's data is shown to others unasked.

    Raises:
        BadData: `examples` holds no image, or one that cannot be read.
        InvalidSpec: A limit is not above 0, or the libraries of the extra `serve` are not there.
        RunError: The folder is neither a run nor an export, or is damaged.
    """
    given = {"megabytes": megabytes, "megapixels": megapixels, "seconds": seconds, "waiting": waiting}
    for name, value in given.items():
        if value <= 0:
            raise InvalidSpec(f"--{name} is {value:g}, and nothing would be answered: it is to be above 0.")
    try:
        from pixelwise.serve.app import Limits, build
    except ModuleNotFoundError as e:
        raise _missing(e) from None

    limits = Limits(int(megabytes * 1e6), int(megapixels * 1e6), seconds, waiting)
    offered = _from_folder(examples) if examples else []
    if (source / ABOUT).is_file():
        exported = ExportedPredictor(source)
        return build(exported, exported.name, limits, token, offered)
    run = Run.open(source)
    experiment = Experiment.from_json(run.experiment_json())
    if not offered and alone:
        offered = _from_validation(experiment)
    return build(Predictor.load(run), experiment.name, limits, token, offered)


def _missing(error: ModuleNotFoundError) -> InvalidSpec:
    return InvalidSpec(f"serving needs {error.name}: pip install 'pixelwise[serve]'.")


def _listening(host: str, port: int) -> socket.socket:
    """A socket on which requests arrive."""
    if not 0 <= port <= 65535:
        raise RunError(f"cannot listen on port {port}: ports are 0 to 65535.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as e:
        reason = os.strerror(e.errno).lower() if e.errno and e.errno > 0 else str(e.strerror).lower()
        raise RunError(f"cannot listen on {host}:{port}: {reason}; choose another --host or --port.") from None


def _from_folder(folder: Path) -> list[bytes]:
    if not folder.is_dir():
        raise BadData(f"{folder} is no folder of images.")
    return [_jpeg(read_image(file)) for file in list(list_images(folder).values())[:EXAMPLES]]


def _from_validation(experiment: Experiment) -> list[bytes]:
    try:
        split = experiment.data.build(experiment.data.val_split, find_data_root(None))
    except PixelwiseError:  # a server seldom has the data, and does without
        return []
    return [_jpeg(split[index].image) for index in evenly_spaced(len(split), EXAMPLES)]


def _jpeg(image: UInt8[Tensor, "3 H W"]) -> bytes:
    file = BytesIO()
    PilImage.fromarray(image.permute(1, 2, 0).numpy()).save(file, format="JPEG", quality=92)
    return file.getvalue()
