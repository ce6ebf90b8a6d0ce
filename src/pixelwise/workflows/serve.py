"""Serving of a run or an export over HTTP."""

import os
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from PIL import Image as PilImage
from torch import Tensor

from pixelwise.core.errors import DataError, InvalidSpec, PixelwiseError, RunError
from pixelwise.data import find_data_root
from pixelwise.data.base import evenly_spaced
from pixelwise.data.files import list_images
from pixelwise.data.images import read_image
from pixelwise.experiment import Experiment
from pixelwise.inference.exported import ABOUT, ExportedPredictor
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.run import Run

EXAMPLES = 6
"""Maximum number of images that the page offers."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that other machines cannot reach."""


def serve(
    source: Run | Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    max_body_mb: float = 20,
    max_megapixels: float = 20,
    timeout: float = 30,
    max_concurrent: int = 32,
    examples: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves a run or an export over HTTP until it is interrupted. Requests in progress are finished first.

    Args:
        source: A run, or the folder of an export.
        host: Address to listen on; the default is reachable from this machine only.
        port: Port; 0 takes a free one.
        token: Token that clients must send; None requires none.
        max_body_mb: Maximum size of a request body, in MB.
        max_megapixels: Maximum size of an image, in megapixels.
        timeout: Maximum time to a response, in seconds.
        max_concurrent: Maximum number of requests that are processed at the same time, including waiting ones.
        examples: See `application`.
        options: How predictions of a run are computed; an export accepts none.
        ready: Called with the server's address when the network is loaded.

    Raises:
        DataError: `examples` is not a folder, holds no image, or one that cannot be read.
        InvalidSpec: A limit is not above 0, an option does not apply, or a library of the extra `serve` is missing.
        RunError: The folder is neither a run nor an export, or is damaged; or the server cannot listen on the address.
    """
    try:
        import uvicorn
    except ModuleNotFoundError as e:
        raise _missing(e) from None

    with _listening_socket(host, port) as listener:  # a port in use is reported before the network is loaded
        app = application(
            source, token, local=host in LOOPBACK, max_body_mb=max_body_mb, max_megapixels=max_megapixels,
            timeout=timeout, max_concurrent=max_concurrent, examples=examples, options=options,
        )  # fmt: skip
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=int(timeout) + 1)
        ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def application(
    source: Run | Path | str,
    token: str | None = None,
    *,
    local: bool,
    max_body_mb: float = 20,
    max_megapixels: float = 20,
    timeout: float = 30,
    max_concurrent: int = 32,
    examples: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> Any:
    """The FastAPI application that serves a run or an export. See `serve` for the other arguments.

    Args:
        source: A run, or the folder of an export.
        token: Token that clients must send.
        local: Whether only this machine can reach the server.
        max_body_mb: Maximum size of a request body, in MB.
        max_megapixels: Maximum size of an image, in megapixels.
        timeout: Maximum time to a response, in seconds.
        max_concurrent: Maximum number of requests that are processed at once.
        examples: Folder of images that the page offers. None offers validation images of the run if they are available
            and only this machine can reach the server: data is not shown to others without a request.
        options: How predictions of a run are computed.

    Raises:
        DataError: `examples` is not a folder, holds no image, or one that cannot be read.
        InvalidSpec: A limit is not above 0, an option does not apply, or a library of the extra `serve` is missing.
        RunError: The folder is neither a run nor an export, or is damaged.
    """
    given = {
        "max-body-mb": max_body_mb, "max-megapixels": max_megapixels, "timeout": timeout,
        "max-concurrent": max_concurrent,
    }  # fmt: skip
    for name, value in given.items():
        if value <= 0:
            raise InvalidSpec(f"--{name} is {value:g}; give a number above 0.")
    try:
        from pixelwise.serving.app import Limits, build
    except ModuleNotFoundError as e:
        raise _missing(e) from None

    limits = Limits(int(max_body_mb * 1e6), int(max_megapixels * 1e6), timeout, max_concurrent)
    images = _from_folder(examples) if examples else []
    folder = source.path if isinstance(source, Run) else Path(source)
    if (folder / ABOUT).is_file():
        if options != InferenceOptions():
            raise InvalidSpec(
                f"{folder} is an export, whose inference options are fixed: leave out --device, --backend, --precision,"
                " --flip, --scales and --window."
            )
        exported = ExportedPredictor(folder)
        return build(exported, exported.name, limits, token, images)
    run = Run.open(source)
    if not images and local:
        images = _from_validation(run.experiment)
    return build(Predictor.load(run, options), run.experiment.name, limits, token, images)


def _missing(error: ModuleNotFoundError) -> InvalidSpec:
    return InvalidSpec(f"serving needs {error.name}: pip install 'pixelwise[serve]'.")


def _listening_socket(host: str, port: int) -> socket.socket:
    """Opens a listening socket."""
    if not 0 <= port <= 65535:
        raise RunError(f"cannot listen on port {port}: ports are 0 to 65535.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as e:
        reason = os.strerror(e.errno).lower() if e.errno and e.errno > 0 else str(e.strerror).lower()
        raise RunError(f"cannot listen on {host}:{port}: {reason}; choose another --host or --port.") from None


def _from_folder(folder: Path) -> list[bytes]:
    """The first images of a folder, as JPEG files."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give a folder of images (--examples).")
    return [_jpeg(read_image(file)) for file in list(list_images(folder).values())[:EXAMPLES]]


def _from_validation(experiment: Experiment) -> list[bytes]:
    """Validation images of an experiment, evenly spaced, as JPEG files; empty if the data is missing."""
    try:
        split = experiment.data.build(experiment.data.val_split, find_data_root(None))
    except PixelwiseError:  # a server seldom has the data, and examples are optional
        return []
    return [_jpeg(split[index].image) for index in evenly_spaced(len(split), EXAMPLES)]


def _jpeg(image: UInt8[Tensor, "3 H W"]) -> bytes:
    file = BytesIO()
    PilImage.fromarray(image.permute(1, 2, 0).numpy()).save(file, format="JPEG", quality=92)
    return file.getvalue()
