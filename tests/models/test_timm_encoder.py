"""Timm's networks as encoders: a pyramid of features, and weights that timm or torchvision published."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from timm.models import _registry
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from pixelwise.core.errors import InvalidSpec
from pixelwise.models import DeeplabV3Plus, EncoderUnet, PpLiteseg, Segformer
from pixelwise.models.pretrained import check_license
from pixelwise.models.timm_encoder import TimmSpec
from tests.models.test_blocks import randomize
from tests.models.test_download import Web
from tests.models.test_pretrained import published, refusal

TAPS = {
    "resnet18": ("relu", "layer1", "layer2", "layer3", "layer4"),
    "mobilenet_v2": ("features.1", "features.3", "features.6", "features.13", "features.17"),
}
"""Torchvision's layers that end a level."""
TIMMS = {"resnet18": "resnet18", "mobilenet_v2": "mobilenetv2_100"}


def features(network: nn.Module, images: Tensor) -> list[Tensor]:
    return network.get_submodule("encoder")(images)  # type: ignore[no-any-return]  # a module's call is untyped


def filled(spec: TimmSpec) -> nn.Module:
    network = spec.build(3).eval()
    spec.load_pretrained(network)
    return network


@pytest.mark.parametrize("encoder", [
    "resnet18", "mobilenetv2_100", "mobilenetv3_small_100", "efficientnet_b0", "regnetx_002", "vgg11_bn",
    "convnext_atto", "mambaout_femto", "pvt_v2_b0",
])  # fmt: skip
def test_features_are_at_a_quarter_to_a_thirty_second_and_at_a_half_if_there_are_any(encoder: str) -> None:
    """Whatever else timm gives, and in whatever layout."""
    with torch.device("meta"):
        network = Segformer(encoder=encoder).build(3).eval()
        found = features(network, torch.empty(2, 3, 64, 96))
    strides = [4, 8, 16, 32] if len(found) == 4 else [2, 4, 8, 16, 32]
    channels: tuple[int, ...] = network.encoder.channels  # type: ignore[assignment]  # torch types attributes as tensor or module
    assert [f.shape for f in found] == [(2, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)]


@pytest.mark.parametrize("name", TAPS)
@torch.no_grad()
def test_weights_named_by_torchvision_give_torchvisions_features(name: str, tmp_path: Path) -> None:
    theirs, images = published(name), torch.randn(1, 3, 64, 96)
    save_file(theirs.state_dict(), tmp_path / "published.safetensors")
    network = filled(Segformer(encoder=TIMMS[name], weights=str(tmp_path / "published.safetensors")))
    expected = create_feature_extractor(theirs, list(TAPS[name]))(images)
    for ours, tap in zip(features(network, images), TAPS[name], strict=True):
        torch.testing.assert_close(ours, expected[tap], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("encoder", ["mobilenetv2_100", "convnext_atto", "mobilenetv3_small_100"])
def test_weights_named_by_timm_fill_every_layer(encoder: str, tmp_path: Path) -> None:
    """Of its whole network, whose stages timm names otherwise once only features are asked of it."""
    torch.manual_seed(7)
    whole = timm.create_model(encoder)
    randomize(whole)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    network = filled(Segformer(encoder=encoder, weights=str(tmp_path / "whole.pth")))
    own = network.get_submodule("encoder.layers").state_dict()
    state = {re.sub(r"^(stem|stages)\.", r"\1_", name): tensor for name, tensor in whole.state_dict().items()}
    assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())
    torch.save(own, tmp_path / "features.pth")  # as a run's weights can be taken out again
    again = filled(Segformer(encoder=encoder, weights=str(tmp_path / "features.pth")))
    assert all(torch.equal(t, own[name]) for name, t in again.get_submodule("encoder.layers").state_dict().items())


@pytest.mark.real_data
@torch.no_grad()
def test_real_imagenet_weights_of_torchvision_give_its_features(real_data: Path) -> None:
    file = real_data / "weights" / "mobilenet_v2_imagenet.safetensors"
    theirs, images = torchvision.models.mobilenet_v2(weights=None).eval(), torch.randn(1, 3, 64, 96)
    theirs.load_state_dict(load_file(file))
    network = filled(PpLiteseg(encoder="mobilenetv2_100", weights=str(file)))
    expected = create_feature_extractor(theirs, list(TAPS["mobilenet_v2"]))(images)
    for ours, tap in zip(features(network, images), TAPS["mobilenet_v2"], strict=True):
        torch.testing.assert_close(ours, expected[tap], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_dilated_encoder_gives_torchvisions_dilated_features(tmp_path: Path) -> None:
    torch.manual_seed(7)
    theirs = torchvision.models.resnet50(weights=None, replace_stride_with_dilation=[False, False, True]).eval()
    randomize(theirs)
    torch.save(theirs.state_dict(), tmp_path / "published.pth")
    network = filled(DeeplabV3Plus(encoder="resnet50", weights=str(tmp_path / "published.pth")))
    images = torch.randn(1, 3, 64, 96)
    expected = create_feature_extractor(theirs, ["layer3", "layer4"])(images)
    found = features(network, images)
    assert found[-1].shape == (1, 2048, 4, 6)
    for ours, tap in zip(found[-2:], ("layer3", "layer4"), strict=True):
        torch.testing.assert_close(ours, expected[tap], rtol=1e-3, atol=1e-3 * float(expected[tap].abs().max()))


def changed(state: dict[str, Tensor], change: Callable[[dict[str, Tensor]], object], file: Path) -> Path:
    state = dict(state)
    change(state)
    torch.save(state, file)
    return file


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("resnet18", lambda s: s.pop("layer3.1.bn2.running_var"), "it has no layer3.1.bn2.running_var"),
        ("resnet18", lambda s: s.update({"conv1.weight": torch.zeros(64, 3, 3, 3)}), "its conv1.weight does not fit"),
        ("resnet18", lambda s: s.update({"layer5.weight": torch.zeros(1)}), "its layer5.weight does not fit"),
        ("mobilenet_v2", lambda s: s.pop("features.1.conv.0.0.weight"), "it has no blocks.0.0.conv_dw.weight"),
        (
            "mobilenet_v2",
            lambda s: s.update({"features.17.conv.2.weight": torch.zeros(320, 960, 3, 3)}),
            "its blocks.6.0.conv_pwl.weight does not fit",
        ),
        ("mobilenet_v2", lambda s: s.update({"features.19.0.weight": torch.zeros(1)}), "its features.19.0.weight does"),
    ],
)
def test_weights_of_another_network_are_refused_as_a_whole(
    tmp_path: Path, name: str, change: Callable[[dict[str, Tensor]], object], reason: str
) -> None:
    file = changed(dict(published(name).state_dict()), change, tmp_path / "other.pth")
    text = refusal(file, EncoderUnet(encoder=TIMMS[name], weights=str(file)))
    assert f"does not contain the weights of timm's {TIMMS[name]}: {reason}" in text


def test_one_networks_weights_do_not_pass_for_anothers(tmp_path: Path) -> None:
    for name, other in (("mobilenet_v2", "resnet18"), ("resnet18", "mobilenetv2_100"), ("resnet18", "resnet34")):
        file = changed(dict(published(name).state_dict()), lambda _: None, tmp_path / f"{name}.pth")
        assert f"does not contain the weights of timm's {other}: it has no" in refusal(
            file, EncoderUnet(encoder=other, weights=str(file))
        )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (Segformer(encoder="resnet"), r"^timm has no encoder 'resnet'\. Did you mean '\w+'\? Choose from 1,\d+, among"),
        (Segformer(encoder="resnet18.imagenet"), r"^timm has no weights 'resnet18\.imagenet'\..* resnet18\.a1_in1k"),
        (Segformer(encoder="vit_tiny_patch16_224"), r"has a fixed image size; choose another encoder, such as"),
        (Segformer(encoder="swin_tiny_patch4_window7_224"), r"has a fixed image size"),
        (Segformer(encoder="convmixer_768_32"), r"has no features at 1/4, 1/8, 1/16, 1/32 of the"),
        (DeeplabV3Plus(encoder="vgg11"), r"cannot be dilated to 1/16 .* deeplabv3plus needs; .*, such as segformer"),
        (DeeplabV3Plus(encoder="pvt_v2_b0"), r"cannot be dilated .*output_stride"),
    ],
)  # fmt: skip
def test_an_encoder_that_cannot_serve_is_refused_in_a_sentence(spec: TimmSpec, sentence: str) -> None:
    with torch.device("meta"), pytest.raises(InvalidSpec, match=sentence) as refused:
        spec.build(3)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("encoder", "license_name"),
    [
        ("convnextv2_atto.fcmae_ft_in1k", "cc-by-nc-4.0"),
        ("convnext_tiny.eupe_lvd1689m", "fair-noncommercial-research-license"),
        ("fastvit_mci0.apple_mclip", "apple-amlr"),
        ("regnety_320.seer", "seer-license"),
    ],
)
def test_weights_that_forbid_commercial_use_are_refused(encoder: str, license_name: str) -> None:
    with pytest.raises(InvalidSpec, match=rf"{encoder} have the license {license_name}, which forbids commercial use"):
        check_license(encoder)


def test_their_license_is_looked_at_before_they_are_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EncoderUnet(encoder="convnextv2_atto.fcmae_ft_in1k")
    network = spec.build(3)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("weights were asked for"))
    with pytest.raises(InvalidSpec, match="forbids commercial use"):
        spec.load_pretrained(network)
    spec.replace(weights=None).load_pretrained(network)  # from scratch it may be used


def test_weights_that_expect_other_constants_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EncoderUnet(encoder="tf_mobilenetv3_small_100.in1k")
    network = spec.build(3)

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(
        InvalidSpec, match=r"expect another mean and standard deviation: --set model\.mean=\["
    ) as refused:
        spec.load_pretrained(network)
    values = dict(word.split("=") for word in str(refused.value).rstrip(".").split() if word.startswith("model."))
    asked = spec.with_values({path.removeprefix("model."): text for path, text in values.items()})
    assert asked.mean == (0.5, 0.5, 0.5)
    with pytest.raises(InvalidSpec, match=r"weights of tf_\S+ cannot be downloaded \(no route to host\): give a file"):
        asked.load_pretrained(network)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server of a ResNet-18's weights, which timm believes to be its own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    torch.save(published("resnet18").state_dict(), tmp_path / "weights.pth")
    web = Web((tmp_path / "weights.pth").read_bytes())
    move(monkeypatch, web.url(web.name))
    yield web
    web.server.shutdown()
    web.server.server_close()


def move(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    own: Any = timm.get_pretrained_cfg("resnet18")
    monkeypatch.setitem(_registry._model_pretrained_cfgs, "resnet18", replace(own, url=url, hf_hub_id=None))


def test_pretrained_weights_are_downloaded_by_timm_once(web: Web) -> None:
    state = published("resnet18").state_dict()
    for _ in range(2):
        own = filled(EncoderUnet()).get_submodule("encoder.layers").state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())
    assert web.asked == [f"/models/{web.name}"]


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize(("url", "reason"), [("http://127.0.0.1:9/resnet18.pth", "refused"), (None, "No pretrained")])
def test_weights_that_cannot_be_had_end_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, url: str | None, reason: str
) -> None:
    network = EncoderUnet().build(3)
    move(monkeypatch, url)
    with pytest.raises(
        InvalidSpec, match=rf"timm's weights of resnet18 cannot be downloaded \(.*{reason}.*\): give a file"
    ):
        EncoderUnet().load_pretrained(network)
