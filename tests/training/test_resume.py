"""A run that was stopped and resumed ends with the weights of one that was not, bit for bit."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pixelwise.core.errors import Interrupted, RunError
from pixelwise.data.transforms import Augment
from pixelwise.experiment import EarlyStop, Experiment, Schedule
from pixelwise.metrics import confusion
from pixelwise.run import Run
from pixelwise.training import loop
from pixelwise.training.loop import resume, train


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are another test's subject, and most of the time of a tiny run."""
    monkeypatch.setattr(loop, "draw_curves", lambda *_: None)
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, name: str, when: Callable[..., bool]) -> Iterator[None]:
    """Kills training as hard as a test can: at a call of one of the loop's functions, before it does anything."""
    real = getattr(loop, name)

    def dying(*arguments: Any) -> Any:
        if when(*arguments):
            raise MemoryError("killed")
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, name, dying)
        with pytest.raises(MemoryError):
            yield


def after_round(monkeypatch: pytest.MonkeyPatch, last: int) -> AbstractContextManager[None]:
    """Kills training after a validation."""
    return killed(monkeypatch, "_train_round", lambda _learner, number, *_: number > last)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.last)


def assert_same(a: Run, b: Run) -> None:
    one, other = weights(a), weights(b)
    assert one.keys() == other.keys()
    assert any(name.startswith("optimizer/") for name in one) or "sgd" in a.experiment.to_json()
    for name in one:
        assert torch.equal(one[name], other[name]), name
    drop = {"seconds", "images_per_second", "peak_mib"}
    assert [r.model_dump(exclude=drop) for r in a.history()] == [r.model_dump(exclude=drop) for r in b.history()]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("memory_format", [pytest.param("contiguous", marks=pytest.mark.slow), "channels_last"])
@pytest.mark.parametrize("workers", [0, 2])
def test_resumed_equals_uninterrupted(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str, memory_format: str, workers: int
) -> None:
    experiment = tiny.replace(augment=Augment(hflip=0.5, rotate=10, rescale=(0.8, 1.2), crop=(32, 32))).with_values(
        {
            "fit.epochs": "3",
            "fit.optimizer.kind": optimizer,
            "fit.optimizer.momentum": "0.9" if optimizer == "sgd" else "0",
            "fit.optimizer.weight_decay": "0.01",
            "fit.schedule.kind": "cosine",
            "fit.memory_format": memory_format,
            "fit.workers": str(workers),
        }
    )
    whole = train(experiment, out=tmp_path / "whole")
    with after_round(monkeypatch, 1):
        train(experiment, out=tmp_path / "cut")
    assert [r.epoch for r in Run.open(tmp_path / "cut").history()] == [1]
    assert_same(whole, resume(tmp_path / "cut"))


def test_the_average_of_the_weights_goes_on_where_it_was(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so does a rate that changes with every step, with several epochs between validations."""
    changes = {"fit.epochs": "6", "fit.ema_decay": "0.9", "fit.schedule.kind": "one_cycle", "fit.val_every": "2"}
    experiment = tiny.with_values(changes)
    whole = train(experiment, out=tmp_path / "whole")
    with after_round(monkeypatch, 2):
        train(experiment, out=tmp_path / "cut")
    assert_same(whole, resume(tmp_path / "cut"))
    kept, last = load_file(whole.best), weights(whole)
    assert kept.keys() == {name for name in last if not name.startswith(("optimizer/", "average/"))}
    assert not torch.equal(last["average/module.network.0.weight"], last["network.0.weight"])


def test_the_number_of_workers_changes_nothing(tiny: Experiment, tmp_path: Path) -> None:
    runs = [train(tiny.with_values({"fit.workers": n}), out=tmp_path / n) for n in ("0", "2")]
    assert_same(*runs)


def test_another_seed_changes_something(tiny: Experiment, tmp_path: Path) -> None:
    a, b = (train(tiny.with_values({"fit.seed": n}), out=tmp_path / n) for n in ("0", "1"))
    assert not torch.equal(weights(a)["network.0.weight"], weights(b)["network.0.weight"])


def test_early_stop_state_survives(tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a constant mean IoU never improves after the first epoch
    stop = EarlyStop(monitor="val_mean_iou", patience=3)
    experiment = tiny.replace(fit=tiny.fit.replace(epochs=9, early_stop=stop))
    monkeypatch.setattr(confusion, "mean_iou", lambda _matrix: 0.5)
    with after_round(monkeypatch, 2):
        train(experiment, out=tmp_path / "run")
    run = resume(tmp_path / "run")
    assert [r.epoch for r in run.history()] == [1, 2, 3, 4]
    assert "stopped after epoch 4" in run.log.read_text(encoding="utf-8")
    assert len(resume(run).history()) == 4


def test_a_kill_between_history_and_checkpoint_loses_only_that_epoch(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tiny, out=tmp_path / "whole")
    with killed(monkeypatch, "save_state", lambda _run, _model, _optimizer, state, _average: state.epoch == 2):
        train(tiny, out=tmp_path / "cut")
    cut = Run.open(tmp_path / "cut")
    assert len(cut.history()) == 2
    with (cut.path / "history.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lr"')  # and a line that was cut off
    assert_same(whole, resume(cut))


def test_a_run_killed_in_its_first_epoch_begins_again(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tiny, out=tmp_path / "whole")
    with after_round(monkeypatch, 0):
        train(tiny, out=tmp_path / "cut")
    assert_same(whole, resume(tmp_path / "cut"))


def test_ctrl_c_ends_at_a_step_and_keeps_the_last_epoch(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tiny.with_values({"fit.epochs": "3"})
    whole = train(experiment, out=tmp_path / "whole")
    real = loop._train_round

    def pressed(learner: Any, number: int, *rest: Any) -> Any:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return real(learner, number, *rest)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_round", pressed)
        with pytest.raises(Interrupted, match=r"1 finished epoch is saved.*--resume"):
            train(experiment, out=tmp_path / "cut")
    assert signal.getsignal(signal.SIGINT) is before
    assert_same(whole, resume(tmp_path / "cut"))


def test_resume_uses_the_stored_precision_and_threads(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tiny.with_values({"fit.precision": "bf16", "fit.epochs": "1"}), out=tmp_path / "run")
    stored = json.loads((run.path / "environment.json").read_text())
    assert stored["machine"]["precision"] == "bf16"
    stored["machine"]["threads"] = 1
    (run.path / "environment.json").write_text(json.dumps(stored))
    torch.set_num_threads(2)
    resume(run)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)


def test_resume_refuses_a_training_split_that_has_changed(tiny: Experiment, tmp_path: Path) -> None:
    run = train(tiny.with_values({"fit.epochs": "1"}), out=tmp_path / "run")
    file = run.path / "experiment.json"
    file.write_text(file.read_text().replace('"images": 8', '"images": 12'))
    with pytest.raises(RunError, match=r"was trained on 8 images, and shapes now has 12"):
        resume(run)


def test_resume_of_a_cosine_goes_on_where_it_was(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tiny.replace(fit=tiny.fit.replace(epochs=4, schedule=Schedule(kind="cosine", min_lr=1e-4)))
    with after_round(monkeypatch, 2):
        train(experiment, out=tmp_path / "run")
    rates = [r.lr for r in resume(tmp_path / "run").history()]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1e-3)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4, 1e-4)
    for rate in rates:
        assert rate == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
