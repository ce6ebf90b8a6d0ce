"""DeepLabV3+ decoder on a timm encoder that can be dilated.

Paper: Chen, Zhu, Papandreou, Schroff, Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018.

Departures: a timm encoder, dilated to a sixteenth of the image size, instead of the modified Xception. No normalization
between a depthwise convolution and its pointwise convolution.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import FeatureMap, Features, Projected
from pixelwise.models.blocks import conv_act_norm, conv_norm_act, resized
from pixelwise.models.encoder_decoder import Decoder
from pixelwise.models.timm_encoder import TimmSpec

Width = Annotated[int, Field(ge=1)]
Rate = Annotated[int, Field(ge=1)]
LOW = 48
"""Channels of the projected features at a quarter of the image size. More would outweigh the deep features."""
DROPOUT = 0.1


class DeeplabV3Plus(TimmSpec):
    """DeepLabV3+ decoder on a timm encoder (Chen 2018).

    Separable ASPP on the deepest features, concatenated with the features at a quarter of the image size, followed by
    two separable convolutions. Training needs at least two images per batch: BatchNorm over the single value of the
    mean is undefined.

    Attributes:
        channels: Channels of the ASPP branches and of the decoder.
        rates: Dilations of the three 3×3 branches.
    """

    kind: Literal["deeplabv3plus"] = "deeplabv3plus"
    channels: Width = 256
    rates: tuple[Rate, Rate, Rate] = (6, 12, 18)

    @property
    def output_stride(self) -> int:
        """Stride of the deepest features. The last stage of the encoder is dilated instead of strided."""
        return 16

    def build_decoder(self, channels: tuple[int, ...]) -> "DeeplabDecoder":
        """See `TimmSpec.build_decoder`."""
        return DeeplabDecoder(channels[-4], channels[-1], self.channels, self.rates)


class DeeplabDecoder(Decoder):
    """See `DeeplabV3Plus`.

    Args:
        low: Channels of the features at a quarter of the image size.
        deep: Channels of the deepest features.
        channels: See `DeeplabV3Plus`.
        rates: See `DeeplabV3Plus`.
    """

    def __init__(self, low: int, deep: int, channels: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.pyramid = SeparableAspp(deep, channels, rates)
        self.low = conv_norm_act(low, LOW, kernel=1)
        self.refine = nn.Sequential(separable(channels + LOW, channels), separable(channels, channels))
        self.channels = channels

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Returns features at a quarter of the image size."""
        low = self.low(features[-4])
        deep = resized(self.pyramid(features[-1]), low)
        refined: FeatureMap = self.refine(torch.cat([deep, low], dim=1))
        return refined


class SeparableAspp(nn.Module):
    """Separable ASPP: parallel 1×1, separable 3×3 convolutions at each rate, and the mean of the image, concatenated.

    Args:
        channels_in: Channels of the input.
        channels: Channels of each branch and of the output.
        rates: Dilations of the 3×3 branches.
    """

    def __init__(self, channels_in: int, channels: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        branches = [conv_norm_act(channels_in, channels, kernel=1)]
        branches += [separable(channels_in, channels, rate) for rate in rates]
        self.views = nn.ModuleList(branches)  # its name in the weights of earlier runs
        self.mean = conv_norm_act(channels_in, channels, kernel=1)
        joined = (len(branches) + 1) * channels
        self.join = nn.Sequential(conv_norm_act(joined, channels, kernel=1), nn.Dropout(DROPOUT))

    def forward(self, features: Features) -> Projected:
        """Returns a map of the same size."""
        outputs = [branch(features) for branch in self.views]
        outputs.append(resized(self.mean(F.adaptive_avg_pool2d(features, 1)), features))
        joined: Projected = self.join(torch.cat(outputs, dim=1))
        return joined


def separable(channels_in: int, channels_out: int, rate: int = 1) -> nn.Sequential:
    """Depthwise 3×3 convolution → pointwise convolution → BatchNorm → ReLU."""
    depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=rate, dilation=rate, groups=channels_in, bias=False)
    return nn.Sequential(depthwise, conv_act_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False), norm_first=True))
