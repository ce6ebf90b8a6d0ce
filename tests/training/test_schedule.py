"""Learning-rate schedules, beside torch's own."""

import pytest
import torch
from torch import optim

from pixelwise.experiment import Fit, Optimizer, Schedule
from pixelwise.training.schedule import changes_every_step, learning_rate


@pytest.mark.parametrize("floor", [0, 1e-4])
@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_cosine_is_torchs(floor: float, epochs: int) -> None:
    fit = Fit(epochs=epochs, optimizer=Optimizer(lr=5e-4), schedule=Schedule(kind="cosine", min_lr=floor))
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], 5e-4)
    reference = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, floor)
    for epoch in range(1, epochs + 2):  # one further: there it reaches its floor
        assert learning_rate(fit, (epoch - 1) / epochs) == pytest.approx(
            reference.get_last_lr()[0], rel=1e-9, abs=1e-15
        )
        optimizer.step()
        reference.step()


def test_a_cosine_falls_from_the_optimizers_rate_towards_its_floor() -> None:
    fit = Fit(epochs=30, optimizer=Optimizer(lr=5e-4), schedule=Schedule(kind="cosine", min_lr=1e-4))
    rates = [learning_rate(fit, epoch / 30) for epoch in range(30)]
    assert rates[0] == 5e-4
    assert rates == sorted(set(rates), reverse=True)
    assert rates[-1] > 1e-4


def test_a_constant_rate_stays() -> None:
    fit = Fit(epochs=30, optimizer=Optimizer(lr=5e-4))
    assert {learning_rate(fit, epoch / 30) for epoch in range(30)} == {5e-4}


def test_one_cycle_is_torchs() -> None:
    """But that torch's ends a hundred-thousandth above 0, and counts its steps from 0 to the last."""
    fit, steps = Fit(optimizer=Optimizer(lr=5e-3), schedule=Schedule(kind="one_cycle")), 1000
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], 5e-3)
    reference = optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps, pct_start=0.1, cycle_momentum=False)
    for step in range(steps):
        assert learning_rate(fit, step / steps) == pytest.approx(reference.get_last_lr()[0], abs=0.02 * 5e-3)
        optimizer.step()
        reference.step()


def test_one_cycle_moves_within_an_epoch_and_the_others_between_epochs() -> None:
    kinds = {
        kind: changes_every_step(Fit(schedule=Schedule(kind=kind))) for kind in ("constant", "cosine", "one_cycle")
    }
    assert kinds == {"constant": False, "cosine": False, "one_cycle": True}
