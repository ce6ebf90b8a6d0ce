"""Which epoch is the best, and when to stop: state and rule, pure."""

import math

from pixelwise.core.spec import Spec
from pixelwise.experiment import Fit, Monitor


class State(Spec):
    """Where training stands.

    Attributes:
        epoch: The last finished epoch.
        best_epoch: The epoch of the best weights, 0 before the first.
        best_value: Its monitored value, None while none was finite.
        stop_value: Best value that early stop has seen.
        stale: Epochs in a row without a new best, as early stop counts them.
        stopped: Whether early stop or the time has ended the run.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_value: float | None = None
    stop_value: float | None = None
    stale: int = 0
    stopped: bool = False


def advance(state: State, fit: Fit, epoch: int, val_loss: float, val_mean_iou: float) -> tuple[State, bool]:
    """The state after an epoch, and whether the epoch is the best so far. The first one always is."""
    values: dict[Monitor, float] = {"val_loss": val_loss, "val_mean_iou": val_mean_iou}
    changes: dict[str, object] = {"epoch": epoch}
    is_best = not state.best_epoch or _better(fit.best, values[fit.best], state.best_value)
    if is_best:
        value = values[fit.best]
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
