"""What several networks are made of."""

from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import FeatureMap, Features

Norm = Literal["none", "batch", "instance"]
"""Normalization after (or before) an activation: none, BatchNorm, or InstanceNorm without weights of its own."""


def xavier_init(module: nn.Module) -> None:
    """Starts every convolution and transposed convolution from Xavier (Glorot) uniform, biases 0, as all reports do."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def kaiming_init(module: nn.Module) -> None:
    """Starts every convolution from Kaiming (He) normal by the channels out, biases 0, as torchvision's ResNets do."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def conv_act_norm(
    convolution: nn.Conv2d | nn.ConvTranspose2d,
    *,
    norm: Norm = "batch",
    norm_first: bool = False,
    activation: Literal["relu", "tanh"] = "relu",
) -> nn.Sequential:
    """Convolution → activation → normalization, the order of most of the reports.

    Args:
        convolution: What is activated.
        norm: Which normalization.
        norm_first: Normalize before the activation, as in `xiang-cityscapes` and most of the literature.
        activation: Which activation.
    """
    act = nn.ReLU(inplace=True) if activation == "relu" else nn.Tanh()
    layers = [act, *normalization(norm, convolution.out_channels)]
    return nn.Sequential(convolution, *(reversed(layers) if norm_first else layers))


def conv_norm_act(channels_in: int, channels_out: int, *, kernel: int = 3) -> nn.Sequential:
    """A convolution that keeps the size, BatchNorm, ReLU. No bias: BatchNorm would subtract it again."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
    return conv_act_norm(convolution, norm_first=True)


def normalization(norm: Norm, channels: int) -> list[nn.Module]:
    """The layer that normalizes, or no layer."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels)]


def resized(features: FeatureMap, like: FeatureMap) -> FeatureMap:
    """Bilinear to the height and width of another map; pixels are areas, so that corners are not aligned."""
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=False)


def doubling(channels_in: int, channels_out: int, *, norm_first: bool = False) -> nn.Sequential:
    """A transposed convolution to twice the size, K3 S2 P1 OP1, activated: the decoder stage of all reports."""
    convolution = nn.ConvTranspose2d(channels_in, channels_out, 3, stride=2, padding=1, output_padding=1)
    return conv_act_norm(convolution, norm_first=norm_first)


class Freezable(nn.Module):
    """A part of a network that may be frozen: no gradient, and its normalization layers keep their statistics.

    Args:
        layers: The part.
        frozen: Whether it stays as it is.
    """

    def __init__(self, layers: nn.Module, frozen: bool) -> None:
        super().__init__()
        self.layers = layers.requires_grad_(not frozen)
        self.frozen = frozen
        self.train()

    def train(self, mode: bool = True) -> "Freezable":
        """Frozen, it stays in eval: else BatchNorm would drift away from the weights that expect its statistics."""
        super().train(mode and not self.frozen)
        return self

    def forward(self, given: Features) -> Any:
        """What the layers give; nothing of a frozen part is kept for a gradient."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.layers(given)
