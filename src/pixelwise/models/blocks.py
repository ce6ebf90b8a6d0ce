"""Building blocks of several networks: layers, initializations, resizing, and parts that may be frozen."""

from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import FeatureMap, Features

Norm = Literal["none", "batch", "instance"]
"""Normalization after (or before) an activation: none, BatchNorm, or InstanceNorm without weights."""


def xavier_init(module: nn.Module) -> None:
    """Initializes (transposed) convolutions with Xavier (Glorot) uniform and biases with 0, as all reports do."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def kaiming_init(module: nn.Module) -> None:
    """Initializes convolutions with Kaiming (He) normal (fan out), biases with 0, as torchvision's ResNets do."""
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
        convolution: The convolution.
        norm: Kind of normalization.
        norm_first: Whether normalization precedes activation, as in `xiang-cityscapes` and most of the literature.
        activation: Kind of activation.
    """
    act = nn.ReLU(inplace=True) if activation == "relu" else nn.Tanh()
    layers = [act, *normalization(norm, convolution.out_channels)]
    return nn.Sequential(convolution, *(reversed(layers) if norm_first else layers))


def conv_norm_act(channels_in: int, channels_out: int, *, kernel: int = 3) -> nn.Sequential:
    """Convolution that keeps the size → BatchNorm → ReLU. Without a bias, which BatchNorm would cancel."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
    return conv_act_norm(convolution, norm_first=True)


def normalization(norm: Norm, channels: int) -> list[nn.Module]:
    """Returns the normalization layer, or an empty list."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels)]


def resized(features: FeatureMap, like: FeatureMap) -> FeatureMap:
    """Resizes a map bilinearly to the height and width of another map. Corners are not aligned."""
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=False)


def doubling(channels_in: int, channels_out: int, *, norm_first: bool = False) -> nn.Sequential:
    """Decoder stage of all reports: transposed convolution to twice the size (K3 S2 P1 OP1), ReLU, BatchNorm."""
    convolution = nn.ConvTranspose2d(channels_in, channels_out, 3, stride=2, padding=1, output_padding=1)
    return conv_act_norm(convolution, norm_first=norm_first)


class Freezable(nn.Module):
    """Part of a network that may be frozen: it has no gradient, and its normalization layers keep their statistics.

    Args:
        layers: Layers of the part.
        frozen: Whether the part is frozen.
    """

    def __init__(self, layers: nn.Module, frozen: bool) -> None:
        super().__init__()
        self.layers = layers.requires_grad_(not frozen)
        self.frozen = frozen
        self.train()

    def train(self, mode: bool = True) -> "Freezable":
        """Sets the training mode. A frozen part stays in eval mode, so that BatchNorm keeps its statistics."""
        super().train(mode and not self.frozen)
        return self

    def forward(self, inputs: Features) -> Any:
        """Returns the output of the layers. A frozen part stores nothing for a backward pass."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.layers(inputs)
