"""A run or an export behind HTTP."""

from pathlib import Path

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.engine.exported import ABOUT, ExportedPredictor
from pixelwise.engine.predictor import Predictor
from pixelwise.experiment import Experiment
from pixelwise.runs import Run


def serve(
    source: Path, host: str = "127.0.0.1", port: int = 8000, token: str | None = None, *, megabytes: float = 20,
    megapixels: float = 20, seconds: float = 30, waiting: int = 32,
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
        waiting: Images that may wait.

    Raises:
        InvalidSpec: The libraries of the extra `serve` are not there.
        RunError: The folder is neither a run nor an export, or is damaged.
    """
    try:
        import uvicorn

        from pixelwise.serve.app import Limits, build
    except ModuleNotFoundError as e:
        raise InvalidSpec(f"serving needs {e.name}: pip install 'pixelwise[serve]'.") from None

    predictor: Predictor | ExportedPredictor
    if (source / ABOUT).is_file():
        predictor, name = ExportedPredictor(source), source.name
    else:
        run = Run.open(source)
        predictor, name = Predictor.load(run), Experiment.from_json(run.experiment_json()).name
    limits = Limits(int(megabytes * 1e6), int(megapixels * 1e6), seconds, waiting)
    try:
        uvicorn.run(
            build(predictor, name, limits, token), host=host, port=port, log_level="warning",
            timeout_graceful_shutdown=int(seconds) + 1,
        )  # fmt: skip
    except OSError as e:
        raise RunError(f"cannot listen on {host}:{port}: {e.strerror}; choose another --port.") from None
