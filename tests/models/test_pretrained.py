"""Pretrained weights with the names of torchvision, downloaded or from a file."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pixelwise.core.errors import InvalidSpec
from pixelwise.models import DeeplabV3, ModelSpec, ResnetAspp, ResnetFcn
from pixelwise.models.encoders import CHANNELS
from tests.models.test_blocks import randomize


def published(name: str) -> nn.Module:
    """Torchvision's own network with weights and statistics that nobody else has."""
    torch.manual_seed(7)
    network: nn.Module = torchvision.models.get_model(name, weights=None)
    randomize(network)
    return network.eval()


def features(network: nn.Module, images: Tensor) -> Tensor:
    """What torchvision's own forward has before it pools the whole image."""
    if hasattr(network, "features"):
        return network.get_submodule("features")(images)  # type: ignore[no-any-return]
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
        images = network.get_submodule(name)(images)
    return images


def resnet(weights: Path | str | None, **fields: Any) -> ResnetFcn:
    return ResnetFcn(encoder="resnet18", weights=None if weights is None else str(weights), **fields)


def refusal(weights: Path, spec: ModelSpec | None = None) -> str:
    """The sentence, and nothing of the network has changed."""
    spec = spec or resnet(weights)
    network = spec.build(3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(InvalidSpec) as refused:
        spec.load_pretrained(network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    text = str(refused.value)
    assert "\n" not in text
    assert "weights_only" not in text, "torch's advice is to run the code in the file"
    return text


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return published("resnet18").state_dict()


@pytest.fixture
def file(tmp_path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANNELS)
@torch.no_grad()
def test_every_encoder_gives_torchvisions_features_at_a_thirty_second(name: str, tmp_path: Path) -> None:
    theirs = published(name)
    save_file(theirs.state_dict(), tmp_path / "published.safetensors")
    spec = ResnetAspp.model_validate({"encoder": name, "weights": str(tmp_path / "published.safetensors")})
    network = spec.build(3).eval()
    spec.load_pretrained(network)
    (tmp_path / "published.safetensors").unlink()
    images = torch.randn(1, 3, 64, 96)
    ours = network.get_submodule("encoder")(images)
    assert ours.shape == (1, CHANNELS[name], 2, 3)
    assert torch.equal(ours, features(theirs, images))


@pytest.mark.parametrize("ending", [".pth", ".pt", ".safetensors"])
def test_a_file_is_read_by_its_ending(tmp_path: Path, state: dict[str, Tensor], ending: str) -> None:
    file = tmp_path / f"resnet18{ending}"
    save_file(state, file) if ending == ".safetensors" else torch.save(state, file)
    network = resnet(file).build(3)
    resnet(file).load_pretrained(network)
    own = network.get_submodule("encoder.layers").state_dict()
    assert {name for name in state if name not in own} == {"fc.weight", "fc.bias"}
    assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())


def test_the_decoder_stays_fresh_and_a_frozen_encoder_frozen(file: Path) -> None:
    spec = resnet(file, frozen=True)
    torch.manual_seed(0)
    network = spec.build(3)
    before = network.get_parameter("decoder.0.0.weight")
    spec.load_pretrained(network)
    assert torch.equal(network.get_parameter("decoder.0.0.weight"), before)
    assert not any(parameter.requires_grad for parameter in network.get_submodule("encoder").parameters())


def test_counters_that_old_files_leave_out_are_not_missed(tmp_path: Path, state: dict[str, Tensor]) -> None:
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(OrderedDict(old), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    network = resnet(tmp_path / "old.pth").build(3)
    resnet(tmp_path / "old.pth").load_pretrained(network)
    assert torch.equal(network.get_parameter("encoder.layers.conv1.weight"), state["conv1.weight"])


def test_without_weights_nothing_is_downloaded_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_download", "read_weights"):
        monkeypatch.setattr(f"pixelwise.models.pretrained.{name}", lambda *_: pytest.fail("weights were asked for"))
    for spec in (resnet(None), ResnetAspp(encoder="resnet18", weights=None), DeeplabV3(weights=None)):
        with torch.device("meta"):
            spec.load_pretrained(spec.build(3))
    resnet("pretrained").build(3)  # building alone asks for nothing either


def test_a_missing_file_is_named_with_both_ways_out(tmp_path: Path) -> None:
    text = refusal(tmp_path / "none.pth")
    assert text.startswith(f"model.weights={tmp_path / 'none.pth'}: there is no such file")
    assert "--set model.weights=FILE" in text
    assert "--set model.weights=none" in text


def test_another_ending_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "weights.h5").write_bytes(b"")
    assert "expected a file that ends in .safetensors, .pth or .pt" in refusal(tmp_path / "weights.h5")


class Code:
    """Does something when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("owned"),)


@pytest.mark.parametrize("wrapped", [Code(), {"state_dict": {}, "args": Code()}], ids=["bare", "in a checkpoint"])
def test_a_file_with_code_is_refused_and_the_code_never_runs(tmp_path: Path, wrapped: object) -> None:
    torch.save(wrapped, tmp_path / "evil.pth")
    assert "contains more than tensors" in refusal(tmp_path / "evil.pth")
    assert not Path("owned").exists()
    torch.load(tmp_path / "evil.pth", weights_only=False)  # what it would have done
    assert Path("owned").exists()


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, state: dict[str, Tensor], kind: str, keep: int) -> None:
    file = tmp_path / ("cut.safetensors" if kind == "safetensors" else "cut.pth")
    if kind == "safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "zip")
    file.write_bytes(file.read_bytes()[:keep])
    assert refusal(file).endswith("cannot be read as weights: it is damaged, or contains more than tensors.")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_damage_to_an_old_file_gives_anything_but_a_sentence(tmp_path: Path) -> None:
    """Torch itself raises whatever the changed byte leads it to: a lookup, a decoding, an assertion that failed."""
    file, spec = tmp_path / "old.pth", resnet(tmp_path / "old.pth")
    torch.save({"conv1.weight": torch.zeros(2, 2)}, file, _use_new_zipfile_serialization=False)
    whole, network = file.read_bytes(), nn.Module()
    network.encoder = nn.Module()
    network.encoder.layers = nn.Conv2d(1, 1, 1)
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xC5]) + whole[place + 1 :])
        with pytest.raises(InvalidSpec):
            spec.load_pretrained(network)


@pytest.mark.parametrize("content", [{"model": {"a": torch.zeros(1)}}, [torch.zeros(1)], {1: torch.zeros(1)}], ids=str)
def test_what_is_no_state_dict_is_refused_with_how_to_save_one(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "nested.pth")
    text = refusal(tmp_path / "nested.pth")
    assert "expected a state dict (a dictionary of tensors by name)" in text
    assert "torch.save(network.state_dict(), FILE)" in text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s.pop("layer3.1.bn2.running_var"), "it has no layer3.1.bn2.running_var"),
        (lambda s: s.update({"conv1.weight": torch.zeros(64, 3, 3, 3)}), "its conv1.weight does not fit"),
        (lambda s: s.update({"layer5.weight": torch.zeros(1)}), "its layer5.weight does not fit"),
    ],
)
def test_weights_of_another_network_are_refused_as_a_whole(
    tmp_path: Path, state: dict[str, Tensor], change: Any, reason: str
) -> None:
    other = dict(state)
    change(other)
    torch.save(other, tmp_path / "other.pth")
    assert refusal(tmp_path / "other.pth").endswith(
        f"does not contain the weights of torchvision's resnet18: {reason}."
    )


def test_a_larger_resnet_does_not_pass_for_a_smaller_one(file: Path, tmp_path: Path) -> None:
    assert "does not contain the weights of torchvision's resnet34: it has no layer1.2" in refusal(
        file, ResnetFcn(encoder="resnet34", weights=str(file))
    )
    torch.save(published("resnet34").state_dict(), tmp_path / "34.pth")
    assert "its layer1.2.conv1.weight does not fit" in refusal(tmp_path / "34.pth")
    assert "does not contain the weights of torchvision's deeplabv3_resnet101" in refusal(
        file, DeeplabV3(weights=str(file))
    )


@pytest.mark.real_data
@torch.no_grad()
def test_real_imagenet_weights_load_and_give_torchvisions_features(real_data: Path) -> None:
    file = real_data / "weights" / "mobilenet_v2_imagenet.safetensors"
    theirs = torchvision.models.mobilenet_v2(weights=None)
    theirs.load_state_dict(load_file(file))
    spec = ResnetFcn(encoder="mobilenet_v2", weights=str(file), frozen=True)
    network = spec.build(3)
    spec.load_pretrained(network)
    images = torch.randn(1, 3, 64, 96)
    assert torch.equal(network.get_submodule("encoder")(images), features(theirs.eval(), images))
