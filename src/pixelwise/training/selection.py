"""Selection of the best epoch, and early stopping, as pure functions of the training state."""

import math

from pixelwise.core.spec import Spec
from pixelwise.experiment import Fit, Monitor


class TrainingState(Spec):
    """State of a training after a validation.

    Attributes:
        epoch: Epoch of the last validation.
        best_epoch: Epoch of the best weights, 0 before the first.
        best_value: Its monitored value, None while none was finite.
        stop_value: Best value of early stopping's monitor.
        stale: Validations in a row without an improvement of that value.
        stopped: Whether early stopping or the time budget has ended the run.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_value: float | None = None
    stop_value: float | None = None
    stale: int = 0
    stopped: bool = False


def advance(
    state: TrainingState, fit: Fit, epoch: int, val_loss: float, val_mean_iou: float
) -> tuple[TrainingState, bool]:
    """The state after a validation, and whether its epoch is the best so far. The first one always is."""
    values: dict[Monitor, float] = {"val_loss": val_loss, "val_mean_iou": val_mean_iou}
    changes: dict[str, object] = {"epoch": epoch}
    is_best = not state.best_epoch or _better(fit.monitor, values[fit.monitor], state.best_value)
    if is_best:
        value = values[fit.monitor]
        changes |= {"best_epoch": epoch, "best_value": value if math.isfinite(value) else None}
    if fit.early_stop:
        value = values[fit.early_stop.monitor]
        improved = _better(fit.early_stop.monitor, value, state.stop_value)
        stale = 0 if improved else state.stale + 1
        changes |= {"stop_value": value if improved else state.stop_value, "stale": stale}
        changes |= {"stopped": stale >= fit.early_stop.patience}
    return state.replace(**changes), is_best


def _better(monitor: Monitor, value: float, than: float | None) -> bool:
    """Whether a value improves on the best so far; an undefined one never does."""
    if not math.isfinite(value):
        return False
    return than is None or (value < than if monitor == "val_loss" else value > than)
