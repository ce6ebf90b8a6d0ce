"""Networks of segmentation-models-pytorch in a Segmenter."""

from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from pixelwise.core.errors import InvalidSpec
from pixelwise.models import Segmenter, Smp
from pixelwise.models import smp as bridge

ARCHITECTURES = (
    sorted(set(smp.MODEL_ARCHITECTURES_MAPPING) - {"dpt"}) if hasattr(smp, "MODEL_ARCHITECTURES_MAPPING") else ["unet"]
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_of_the_library_can_be_had(architecture: Any) -> None:
    spec = Smp(architecture=architecture, encoder="resnet18", weights=None)
    model = Segmenter(spec.build(3), spec).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 70, 33, dtype=torch.uint8)).shape == (1, 3, 70, 33)


def test_the_network_is_the_librarys_own() -> None:
    torch.manual_seed(0)
    ours = Smp(encoder="resnet18", weights=None).build(3)
    torch.manual_seed(0)
    theirs = smp.Unet("resnet18", encoder_weights=None, classes=3)
    assert type(ours) is type(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


@pytest.mark.parametrize("encoder", ["mit_b0", "mit_b5"])
def test_an_encoder_that_forbids_commercial_use_is_refused(encoder: str) -> None:
    with pytest.raises(ValueError, match=r"forbids commercial use"):
        Smp(encoder=encoder)


def test_weights_that_forbid_commercial_use_are_refused() -> None:
    spec = Smp(encoder="tu-convnextv2_atto.fcmae_ft_in1k")
    with pytest.raises(InvalidSpec, match=r"have the license cc-by-nc-4.0, which forbids commercial use"):
        spec.load_pretrained(spec.replace(weights=None).build(2))


def test_an_unknown_encoder_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidSpec, match=r"no encoder 'mobilenet_v3'.*Did you mean 'mobilenet_v2'"):
        Smp(encoder="mobilenet_v3").build(2)


def test_weights_of_a_file_fill_the_encoder(tmp_path: Any) -> None:
    torch.manual_seed(1)
    source = Smp(encoder="resnet18", weights=None).build(2).get_submodule("encoder")
    save_file(source.state_dict(), tmp_path / "encoder.safetensors")
    spec = Smp(encoder="resnet18", weights=str(tmp_path / "encoder.safetensors"))
    network = spec.build(2)
    spec.load_pretrained(network)
    filled = network.get_submodule("encoder").state_dict()
    assert all(torch.equal(filled[name], value) for name, value in source.state_dict().items())


def test_weights_that_cannot_be_downloaded_end_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(smp.encoders, "get_encoder", refuse)
    spec = Smp(encoder="resnet18")
    with pytest.raises(
        InvalidSpec, match=r"weights of resnet18 cannot be downloaded \(no route to host\): give a file"
    ):
        spec.load_pretrained(spec.build(2))


def test_without_the_library_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "find_spec", lambda _: None)
    with pytest.raises(InvalidSpec, match=r"pip install 'pixelwise\[smp\]'"):
        Smp().build(2)
