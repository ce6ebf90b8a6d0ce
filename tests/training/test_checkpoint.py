"""Weights and training state: what comes back is what was written, and nothing foreign is taken for it."""

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from pixelwise.core.errors import RunError
from pixelwise.experiment import Optimizer
from pixelwise.models import Segmenter
from pixelwise.training import checkpoint
from pixelwise.training.checkpoint import load_state, load_weights, save_state, save_weights
from pixelwise.training.schedule import build_optimizer
from pixelwise.training.selection import State
from tests.networks import Small


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
def test_moments_come_back_in_their_parameters_memory_format(tmp_path: Path, kind: str) -> None:
    """Fused optimizers on the CPU misread a contiguous moment beside a channels-last parameter, without an error."""
    model, optimizer = trained(torch.channels_last, kind)
    save_state(tmp_path / "last.safetensors", model, optimizer, State(epoch=4, stale=2, best_value=0.5))
    fresh = Segmenter(Small().build(3), Small()).to(memory_format=torch.channels_last)
    other = build_optimizer(Optimizer(kind=kind, momentum=0.9 if kind == "sgd" else 0), fresh.parameters())
    assert load_state(tmp_path / "last.safetensors", fresh, other) == State(epoch=4, stale=2, best_value=0.5)
    for (name, theirs), ours in zip(model.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(theirs, ours), name
        for key, moment in optimizer.state[theirs].items():
            assert torch.equal(moment, other.state[ours][key]), (name, key)
            if moment.dim() == 4:
                assert other.state[ours][key].stride() == ours.stride(), (name, key)


def test_weights_alone_are_no_training_state(tmp_path: Path) -> None:
    model, optimizer = trained(torch.contiguous_format)
    save_weights(tmp_path / "best.safetensors", model, epoch=3)
    assert load_weights(tmp_path / "best.safetensors", model) == 3
    with pytest.raises(RunError, match=r"best\.safetensors holds weights only"):
        load_state(tmp_path / "best.safetensors", model, optimizer)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    model, _ = trained(torch.contiguous_format)
    save_weights(tmp_path / "best.safetensors", model, epoch=1)
    with pytest.raises(RunError, match="does not fit the run's network"):
        load_weights(tmp_path / "best.safetensors", Segmenter(Small().build(5), Small()))


def test_a_full_disk_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = trained(torch.contiguous_format)
    path = tmp_path / "best.safetensors"
    save_weights(path, model, epoch=1)
    before = path.read_bytes()

    def full(_tensors: dict[str, torch.Tensor], file: Path, _header: dict[str, str]) -> None:
        file.write_bytes(before[:100])
        raise SafetensorError("I/O error: no space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(RunError, match=r"cannot write .*best\.safetensors: I/O error: no space left on device"):
        save_weights(path, nn.Conv2d(1, 1, 1), epoch=2)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]
