"""Experiment tracking: the history of a run in TensorBoard or MLflow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol

from pixelwise.core.errors import InvalidSpec
from pixelwise.metrics.scores import EpochRecord
from pixelwise.run import Run

TrackerName = Literal["tensorboard", "mlflow"]


class Tracker(Protocol):
    """Receives the records of a run."""

    def add(self, record: EpochRecord) -> None:
        """Adds the record of a validation."""
        ...

    def close(self) -> None:
        """Ends the tracking."""
        ...


class NoTracker:
    """Tracks nothing."""

    def add(self, record: EpochRecord) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class _TensorBoard:
    def __init__(self, run: Run) -> None:
        self._writer = import_module("torch.utils.tensorboard").SummaryWriter(str(run.tensorboard))
        self._writer.add_text("experiment", f"```json\n{run.experiment.to_json()}\n```")

    def add(self, record: EpochRecord) -> None:
        for name, value in _values(record):
            self._writer.add_scalar(name, value, record.epoch)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _MlFlow:
    """MLflow writes to MLFLOW_TRACKING_URI, else to ./mlruns."""

    def __init__(self, run: Run) -> None:
        self._mlflow: Any = import_module("mlflow")
        experiment = run.experiment
        self._mlflow.set_experiment(_plain(experiment.name))
        self._mlflow.start_run(run_name=run.path.name)
        self._mlflow.log_dict(experiment.model_dump(mode="json"), "configuration.json")
        self._mlflow.log_params({"seed": experiment.fit.seed, "run": str(run.path)})

    def add(self, record: EpochRecord) -> None:
        self._mlflow.log_metrics(dict(_values(record)), step=record.epoch)

    def close(self) -> None:
        self._mlflow.end_run()


_KINDS: dict[str, Callable[[Run], Tracker]] = {"tensorboard": _TensorBoard, "mlflow": _MlFlow}


def check_tracker(name: TrackerName | None, experiment: str) -> None:
    """Checks that a tracker is available, before the training.

    Args:
        name: Name of the tracker, or None.
        experiment: Name of the experiment.

    Raises:
        InvalidSpec: Its library is not installed, or its storage cannot be reached.
    """
    if name and find_spec(name) is None:
        raise InvalidSpec(f"--track {name} needs {name}: pip install 'pixelwise[track]'.")
    if name == "mlflow":
        try:
            import_module("mlflow").set_experiment(_plain(experiment))
        except Exception as e:  # no server, no database, no permission: many libraries, many errors
            reason = str(e).strip().splitlines()[0]
            raise InvalidSpec(
                f"MLflow cannot write: {reason} Set MLFLOW_TRACKING_URI to a place where it can."
            ) from None


@contextmanager
def tracking(name: TrackerName | None, run: Run, history: Sequence[EpochRecord]) -> Iterator[Tracker]:
    """Context of a tracker. It first receives the earlier records of a resumed run.

    Args:
        name: Name of the tracker, or None.
        run: The run.
        history: The earlier records.
    """
    tracker = _KINDS[name](run) if name else NoTracker()
    try:
        for record in history:
            tracker.add(record)
        yield tracker
    finally:
        tracker.close()


def _plain(name: str) -> str:
    return name.replace("/", "-")


def _values(record: EpochRecord) -> Iterator[tuple[str, float]]:
    """The numbers of a record, by names with a slash, which both trackers show as a group."""
    for split in ("train", "val"):
        for metric in ("loss", "mean_iou", "pixel_accuracy"):
            value = getattr(record, f"{split}_{metric}")
            if value is not None:
                yield f"{split}/{metric}", value
    for name, value in record.val_iou.items():
        if value is not None:
            yield f"iou/{''.join(c if c.isalnum() or c in '_-. /' else '_' for c in name)}", value
    yield "speed/lr", record.lr
    yield "speed/images_per_second", record.images_per_second
