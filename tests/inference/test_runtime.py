"""Networks that the machine cannot train are refused."""

from pathlib import Path

import pytest
from torch import nn

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.machine import Machine
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.runtime import check_memory_layout
from pixelwise.models import ModelSpec
from pixelwise.training.loop import train

ON_CPU = Machine(device="cpu", precision="fp32", threads=1, workers=0)


class Stem(ModelSpec):
    """As RepVGG begins: beside other layers a strided 1×1 convolution of the image itself."""

    kind: str = f"{__file__}:Stem"

    @property
    def multiple(self) -> int:
        return 2

    def build(self, num_classes: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 1, stride=2), nn.ConvTranspose2d(8, num_classes, 2, stride=2))


def test_a_layer_that_crashes_torch_is_refused_and_nothing_is_left_behind(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stem, "load_pretrained", lambda *_: pytest.fail("weights were downloaded for it"))
    with pytest.raises(InvalidSpec, match=r"layer 0 of .*\(1×1, stride 2, 3 channels\).*fit.memory_format=contiguous"):
        train(tiny.replace(model=Stem()), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_same_network_trains_contiguous(tiny: Experiment, tmp_path: Path) -> None:
    run = train(tiny.replace(model=Stem()).with_values({"fit.memory_format": "contiguous"}), out=tmp_path / "run")
    assert len(run.history()) == tiny.fit.epochs


@pytest.mark.parametrize(
    "harmless",
    [
        nn.Conv2d(3, 8, 1),
        nn.Conv2d(3, 8, 3, stride=2),
        nn.Conv2d(16, 8, 1, stride=2),
        nn.Conv2d(3, 8, 1, stride=2).requires_grad_(False),
    ],
    ids=["no stride", "a larger kernel", "a whole block of channels", "frozen"],
)
def test_other_layers_are_let_through(harmless: nn.Module) -> None:
    check_memory_layout(harmless, ON_CPU, Fit())


def test_a_gpu_has_its_own_kernels() -> None:
    check_memory_layout(nn.Conv2d(3, 8, 1, stride=2), ON_CPU.replace(device="cuda"), Fit())


def test_a_rate_for_a_missing_encoder_leaves_no_run_behind(tiny: Experiment, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="encoder_lr"):
        train(tiny.with_values({"fit.optimizer.encoder_lr": "1e-4"}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
