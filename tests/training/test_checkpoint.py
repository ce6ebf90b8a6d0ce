"""Weights and training state: what comes back is what was written, and nothing foreign is taken for it."""

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from pixelwise.core.errors import RunError
from pixelwise.experiment import Experiment, Optimizer
from pixelwise.inference import weights
from pixelwise.inference.weights import load_weights, save_weights
from pixelwise.models import Segmenter
from pixelwise.run import Run
from pixelwise.training.checkpoint import load_state, save_state
from pixelwise.training.optimizer import build_optimizer
from pixelwise.training.selection import TrainingState
from tests.networks import Small
from tests.runs import ENVIRONMENT


@pytest.fixture
def run(tiny: Experiment, tmp_path: Path) -> Run:
    """A run without a checkpoint."""
    return Run.create(tmp_path / "run", tiny, ENVIRONMENT)


def trained(memory_format: torch.memory_format, kind: str = "adam") -> tuple[Segmenter, torch.optim.Optimizer]:
    """A network after one step, so that the optimizer has moments."""
    torch.manual_seed(0)
    model = Segmenter(Small().build(3), Small()).to(memory_format=memory_format)
    optimizer = build_optimizer(Optimizer(kind=kind, momentum=0.9 if kind == "sgd" else 0), model.parameters())
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8).contiguous(memory_format=memory_format)
    model(images).square().mean().backward()
    optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_moments_come_back_in_their_parameters_memory_format(run: Run, kind: str) -> None:
    """Fused optimizers on the CPU misread a contiguous moment beside a channels-last parameter, without an error."""
    model, optimizer = trained(torch.channels_last, kind)
    save_state(run, model, optimizer, TrainingState(epoch=4, stale=2, best_value=0.5))
    fresh = Segmenter(Small().build(3), Small()).to(memory_format=torch.channels_last)
    other = build_optimizer(Optimizer(kind=kind, momentum=0.9 if kind == "sgd" else 0), fresh.parameters())
    assert load_state(run, fresh, other) == TrainingState(epoch=4, stale=2, best_value=0.5)
    for (name, theirs), ours in zip(model.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(theirs, ours), name
        for key, moment in optimizer.state[theirs].items():
            assert torch.equal(moment, other.state[ours][key]), (name, key)
            if moment.dim() == 4:
                assert other.state[ours][key].stride() == ours.stride(), (name, key)


def test_weights_alone_are_no_training_state(run: Run) -> None:
    model, optimizer = trained(torch.contiguous_format)
    save_weights(run, model, epoch=3)
    assert load_weights(run, model) == 3
    run.best.rename(run.last)
    with pytest.raises(RunError, match=r"last\.safetensors holds weights only"):
        load_state(run, model, optimizer)


def test_weights_of_another_network_are_refused(run: Run) -> None:
    model, _ = trained(torch.contiguous_format)
    save_weights(run, model, epoch=1)
    with pytest.raises(RunError, match="does not fit the run's network"):
        load_weights(run, Segmenter(Small().build(5), Small()))


def test_a_full_disk_keeps_the_old_weights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = trained(torch.contiguous_format)
    save_weights(run, model, epoch=1)
    before, files = run.best.read_bytes(), sorted(run.path.iterdir())

    def full(_tensors: dict[str, torch.Tensor], file: Path, _header: dict[str, str]) -> None:
        file.write_bytes(before[:100])
        raise SafetensorError("I/O error: no space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(RunError, match=r"cannot write .*best\.safetensors: I/O error: no space left on device"):
        save_weights(run, nn.Conv2d(1, 1, 1), epoch=2)
    assert run.best.read_bytes() == before
    assert sorted(run.path.iterdir()) == files
