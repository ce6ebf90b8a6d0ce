"""Length of a training."""

from pathlib import Path

import pytest

from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.metrics.scores import EpochRecord
from pixelwise.training import loop
from pixelwise.training.budget import Budget
from pixelwise.training.loop import resume, train


@pytest.fixture
def clock() -> list[float]:
    """A clock that a test moves: its last entry is the time."""
    return [0.0]


def record(seconds: float, images: int = 100, rate: float = 10) -> EpochRecord:
    scores = dict.fromkeys(("train_loss", "train_mean_iou", "train_pixel_accuracy", "val_loss", "val_mean_iou"), 0.5)
    return EpochRecord(
        epoch=1, lr=0.1, **scores, val_pixel_accuracy=0.5, val_iou={}, best=True, seconds=seconds,
        images_per_second=rate, images=images,
    )  # fmt: skip


def test_rounds_are_counted_whatever_time_they_take(clock: list[float]) -> None:
    budget = Budget(Fit(epochs=8, val_every=2), [], lambda: clock[-1])
    clock.append(1e9)
    assert [budget.allows(number) for number in (1, 4, 5)] == [True, True, False]
    assert [budget.progress(number) for number in (1, 3)] == [0, 0.5]
    assert not budget.over()


def test_the_progress_of_a_time_budget_is_that_of_the_time(clock: list[float]) -> None:
    budget = Budget(Fit(minutes=10), [], lambda: clock[-1])
    clock.append(150)
    assert budget.progress(7) == 0.25
    assert budget.allows(7)
    clock.append(601)
    assert budget.progress(7) == 1
    assert not budget.allows(7)


def test_a_round_ends_when_the_remaining_time_is_that_of_a_validation(clock: list[float]) -> None:
    budget = Budget(Fit(minutes=10), [], lambda: clock[-1])
    clock.append(539)
    assert not budget.over()
    clock.append(541)
    assert budget.over(), "a tenth is reserved for the first validation"
    budget.add_validation(30.0)
    assert not budget.over()
    clock.append(570)
    assert budget.over()


def test_a_resumed_run_has_the_remaining_time(clock: list[float]) -> None:
    budget = Budget(
        Fit(minutes=10), [record(240), record(180)], lambda: clock[-1]
    )  # 10 s of training each, the rest is evaluation
    clock.append(0)
    assert budget.progress(3) == pytest.approx(0.7)
    assert budget.over(), "420 s are gone, and evaluation took up to 230 s"


def test_a_run_ends_with_its_time_and_records_the_images_of_each_round(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock advances a second whenever it is read: no wall time decides the test."""
    seconds = map(float, range(10**6))
    monkeypatch.setattr(loop, "Budget", lambda fit, history: Budget(fit, history, lambda: next(seconds)))
    monkeypatch.setattr(Budget, "add_validation", lambda *_: None)  # a tenth stays reserved, however long it takes
    experiment = tiny.replace(data=Shapes(size=(32, 32), images=64), fit=tiny.fit.replace(minutes=1))
    run = train(experiment, out=tmp_path / "run")
    history = run.history()
    assert len(history) > 1
    assert [record.epoch for record in history] == [*range(1, len(history) + 1)]
    assert all(record.images == 64 for record in history[:-1])
    assert 0 < (history[-1].images or 0) < 64
    assert resume(run).history() == history
