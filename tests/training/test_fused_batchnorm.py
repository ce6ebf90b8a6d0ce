"""Fused BatchNorm layers compute the same after their statistics are restored, and can be trained."""

from itertools import pairwise
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from pixelwise import recipes
from pixelwise.models import ModelSpec, PpLiteseg, ResnetAspp, Segmenter
from pixelwise.training.fused_batchnorm import fused_batchnorm_layers, restore_fused_batchnorm
from pixelwise.training.loop import train


def mobilenet() -> Any:
    """MobileNetV2 with statistics of its own, as if it had been trained."""
    torch.manual_seed(0)
    network = torchvision.models.mobilenet_v2(weights=None)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
    network.train()
    with torch.no_grad():
        for _ in range(30):
            network(pictures(8).float() / 100)
    return network.eval()


def pictures(number: int) -> Tensor:
    """Smooth noise, whose batches have different statistics."""
    small = torch.rand(number, 3, 6, 6)
    return (255 * nn.functional.interpolate(small, size=(64, 64), mode="bicubic").clamp(0, 1)).to(torch.uint8)


def fold(network: Any) -> Any:
    """Folds each BatchNorm's scale into its convolution, as exporters do; the BatchNorm keeps a bias."""
    layers: list[Any] = list(network.modules())
    for before, layer in pairwise(layers):
        if isinstance(layer, nn.BatchNorm2d):
            assert isinstance(before, nn.Conv2d)
            mean, variance = layer.running_mean, layer.running_var
            assert mean is not None
            assert variance is not None
            scale = layer.weight / (variance + layer.eps).sqrt()
            with torch.no_grad():
                before.weight.mul_(scale.view(-1, 1, 1, 1))
                layer.bias.sub_(mean * scale)
                mean.zero_()
                variance.fill_(1 - layer.eps)
                layer.weight.fill_(1)
    return network


class OfBytes(nn.Module):
    """The network, of uint8 images."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.network.features(images.float() / 100)
        return found


@pytest.mark.slow
@torch.no_grad()
def test_restored_layers_compute_the_same_in_eval_and_almost_the_same_in_training() -> None:
    network = OfBytes(mobilenet())
    assert fused_batchnorm_layers(network) == []
    images = pictures(32)
    expected = network(images)
    fold(network)
    layers: list[Any] = fused_batchnorm_layers(network)
    assert len(layers) == 52
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)

    far = (network.train()(images) - expected).abs().mean()
    for layer in layers:  # training has moved them
        layer.running_mean.zero_()
        layer.running_var.fill_(1 - layer.eps)
    restore_fused_batchnorm(network, layers, [image[None] for image in images])
    torch.testing.assert_close(network.eval()(images), expected, rtol=1e-3, atol=1e-3)
    assert fused_batchnorm_layers(network) == []
    near = (network.train()(images) - expected).abs().mean()
    assert near < 0.01 * far


def test_fresh_and_frozen_layers_are_left_as_they_are() -> None:
    assert fused_batchnorm_layers(torchvision.models.mobilenet_v2(weights=None)) == []
    frozen = fold(mobilenet()).requires_grad_(False)
    assert fused_batchnorm_layers(frozen) == []


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_training_measures_them_and_logs_it_unless_they_are_frozen(frozen: bool) -> None:
    save_file(fold(mobilenet()).state_dict(), "folded.safetensors")
    values = {
        "model.kind": "resnet_aspp", "model.encoder": "mobilenet_v2", "model.weights": "folded.safetensors",
        "model.frozen": str(frozen).lower(), "fit.epochs": "1", "fit.workers": "0", "fit.device": "cpu",
        "data.images": "8", "data.size": "[64,64]",
    }  # fmt: skip
    run = train(recipes.get("shapes/fcn").with_values(values), out="run")
    told = "52 folded BatchNorm layers"
    assert (told in run.log.read_text()) is not frozen
    spec = ResnetAspp(encoder="mobilenet_v2", weights="folded.safetensors")
    assert len(fused_batchnorm_layers(_loaded(spec))) == 52


@torch.no_grad()
def test_layers_of_timm_that_normalize_and_activate_are_restored_too() -> None:
    save_file(fold(mobilenet()).state_dict(), "folded.safetensors")
    model = _loaded(PpLiteseg(encoder="mobilenetv2_100", weights="folded.safetensors")).eval()
    layers, images = fused_batchnorm_layers(model), pictures(4)
    assert len(layers) == 51  # the last of torchvision's 52 makes no feature of the pyramid
    expected = model(images)
    restore_fused_batchnorm(model, layers, [image[None] for image in images])
    assert fused_batchnorm_layers(model) == []
    torch.testing.assert_close(model(images), expected, rtol=1e-3, atol=1e-4)


def _loaded(spec: ModelSpec) -> Segmenter:
    network = spec.build(3)
    spec.load_pretrained(network)
    return Segmenter(network, spec)
