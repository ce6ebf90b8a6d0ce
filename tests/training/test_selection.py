"""Selection of the best epoch, and early stopping."""

import math

import pytest

from pixelwise.experiment import EarlyStop, Fit, Monitor
from pixelwise.training.selection import TrainingState, advance


def run_through(fit: Fit, losses: list[float], ious: list[float]) -> tuple[TrainingState, list[int]]:
    """The state after the epochs until early stop, and which of them were the best so far."""
    state, best = TrainingState(), []
    for epoch, (loss, iou) in enumerate(zip(losses, ious, strict=True), 1):
        state, is_best = advance(state, fit, epoch, loss, iou)
        best += [epoch] if is_best else []
        if state.stopped:
            break
    return state, best


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("val_loss", [1, 2, 5]), ("val_mean_iou", [1, 3])],
)
def test_the_monitor_fixes_the_direction(monitor: Monitor, best: list[int]) -> None:
    losses, ious = [1.0, 0.8, 0.9, 0.8, 0.7], [0.1, 0.1, 0.3, 0.2, 0.3]
    state, found = run_through(Fit(monitor=monitor), losses, ious)
    assert found == best
    assert state.best_epoch == best[-1]
    assert state.best_value == {"val_loss": 0.7, "val_mean_iou": 0.3}[monitor]


def test_an_equal_value_is_no_improvement_and_patience_counts_epochs_in_a_row() -> None:
    fit = Fit(early_stop=EarlyStop(monitor="val_loss", patience=2))
    state, _ = run_through(fit, [1.0, 1.0, 0.9, 0.9, 0.95, 0.1], [0.5] * 6)
    assert state.stopped
    assert state.epoch == 5  # epochs 4 and 5 brought nothing; epoch 6 is never seen


def test_early_stop_and_checkpoint_may_monitor_different_values() -> None:
    """As in a report that stopped on the loss while mean IoU still rose."""
    fit = Fit(monitor="val_mean_iou", early_stop=EarlyStop(monitor="val_loss", patience=3))
    state, best = run_through(fit, [1.0, 1.1, 1.2, 1.3, 1.4], [0.1, 0.2, 0.3, 0.4, 0.5])
    assert best == [1, 2, 3, 4]
    assert (state.epoch, state.stopped) == (4, True)


def test_an_undefined_value_never_improves_but_the_first_epoch_is_kept() -> None:
    state, best = run_through(Fit(monitor="val_mean_iou"), [1.0] * 3, [math.nan, math.nan, 0.2])
    assert best == [1, 3]
    assert state.best_value == 0.2
    assert TrainingState.from_json(state.to_json()) == state
