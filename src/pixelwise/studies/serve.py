"""A run or an export behind HTTP."""

from io import BytesIO
from pathlib import Path

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
) -> None:  # fmt: skip
    """Answers requests until it is interrupted, and then finishes those that it has begun.

    Args:
        source: A run's or an export's folder.
        host: The address that is listened on; only this machine reaches the default.
        port: The port.
        token: What clients have to send; None lets everyone in who reaches the address.
        megabytes: Largest body.
        megapixels: Largest image.
        seconds: Longest time to an answer.
        waiting: Requests that are taken at once.
        examples: A folder of images that the page offers; None offers validation images of the run, where they are at
            hand, to this machine alone: nobody's data is shown to others unasked.

    Raises:
        BadData: `examples` holds no image, or one that cannot be read.
        InvalidSpec: The libraries of the extra `serve` are not there.
        RunError: The folder is neither a run nor an export, or is damaged.
    """
    try:
        import uvicorn

        from pixelwise.serve.app import Limits, build
    except ModuleNotFoundError as e:
        raise InvalidSpec(f"serving needs {e.name}: pip install 'pixelwise[serve]'.") from None

    predictor: Predictor | ExportedPredictor
    offered = _from_folder(examples) if examples else []
    if (source / ABOUT).is_file():
        predictor, name = ExportedPredictor(source), source.name
    else:
        run = Run.open(source)
        experiment = Experiment.from_json(run.experiment_json())
        predictor, name = Predictor.load(run), experiment.name
        if not offered and host in LOOPBACK:
            offered = _from_validation(experiment)
    limits = Limits(int(megabytes * 1e6), int(megapixels * 1e6), seconds, waiting)
    try:
        uvicorn.run(
            build(predictor, name, limits, token, offered), host=host, port=port, log_level="warning",
            timeout_graceful_shutdown=int(seconds) + 1,
        )  # fmt: skip
    except OSError as e:
        raise RunError(f"cannot listen on {host}:{port}: {e.strerror}; choose another --port.") from None


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
