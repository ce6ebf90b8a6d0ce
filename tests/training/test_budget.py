"""How long training goes on."""

import time
from pathlib import Path

import pytest

from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.metrics.scores import EpochRecord
from pixelwise.training.budget import Budget
from pixelwise.training.loop import resume, train


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test moves: its last entry is the time."""
    now = [0.0]
    monkeypatch.setattr("pixelwise.training.budget.time.perf_counter", lambda: now[-1])
    return now


def record(seconds: float, images: int = 100, rate: float = 10) -> EpochRecord:
    scores = dict.fromkeys(("train_loss", "train_mean_iou", "train_pixel_accuracy", "val_loss", "val_mean_iou"), 0.5)
    return EpochRecord(
        epoch=1, lr=0.1, **scores, val_pixel_accuracy=0.5, val_iou={}, best=True, seconds=seconds,
        images_per_second=rate, images=images,
    )  # fmt: skip


def test_epochs_are_counted_whatever_time_they_take(clock: list[float]) -> None:
    budget = Budget(Fit(epochs=4), [])
    clock.append(1e9)
    assert [budget.allows(epoch) for epoch in (1, 4, 5)] == [True, True, False]
    assert [budget.share(epoch) for epoch in (1, 3)] == [0, 0.5]
    assert not budget.over()


def test_minutes_replace_the_epochs_and_the_share_is_that_of_the_time(clock: list[float]) -> None:
    budget = Budget(Fit(epochs=1, minutes=10), [])
    clock.append(150)
    assert budget.share(7) == 0.25
    assert budget.allows(7)
    clock.append(601)
    assert budget.share(7) == 1
    assert not budget.allows(7)


def test_an_epoch_ends_when_what_is_left_is_what_judging_takes(clock: list[float]) -> None:
    budget = Budget(Fit(minutes=10), [])
    clock.append(539)
    assert not budget.over()
    clock.append(541)
    assert budget.over(), "before the first evaluation, a tenth is kept for it"
    budget.evaluated(30.0)
    assert not budget.over()
    clock.append(570)
    assert budget.over()


def test_a_resumed_run_has_what_its_epochs_left_of_the_time(clock: list[float]) -> None:
    budget = Budget(Fit(minutes=10), [record(240), record(180)])  # 10 s of training each, the rest is evaluation
    clock.append(0)
    assert budget.share(3) == pytest.approx(0.7)
    assert budget.over(), "420 s are gone, and evaluation took up to 230 s"


def test_a_run_ends_with_its_time_and_says_how_many_images_each_epoch_saw(tiny: Experiment, tmp_path: Path) -> None:
    asked = tiny.replace(data=Shapes(size=(32, 32), images=64), fit=tiny.fit.replace(minutes=0.05, epochs=1))
    began = time.perf_counter()
    run = train(asked, out=tmp_path / "run")
    history = run.history()
    assert sum(epoch.seconds for epoch in history) == pytest.approx(3, rel=0.5)
    assert time.perf_counter() - began > 2
    assert len(history) > 1, "the number of epochs does not count"
    assert all(epoch.images == 64 for epoch in history[:-1])
    assert 0 < (history[-1].images or 0) <= 64
    assert resume(run).history() == history
