"""DeepLabV3+, on any encoder of timm that can be dilated.

Paper: Chen, Zhu, Papandreou, Schroff, Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018.

Departures: the encoder is timm's, dilated to a sixteenth of the image's size, not the modified Xception. No
normalization between a depthwise convolution and its pointwise one.
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
"""Channels that the features at a quarter of the image's size are projected to: more would outweigh the deep ones."""
DROPOUT = 0.1


class DeeplabV3Plus(TimmSpec):
    """Five views of the deepest features, beside those at a quarter of the image's size, convolved twice.

    A batch of one image cannot train it: BatchNorm over the one value of the mean is undefined.

    Attributes:
        channels: Of the views and of the decoder.
        rates: Dilations of the three 3×3 views.
    """

    kind: Literal["deeplabv3plus"] = "deeplabv3plus"
    channels: Width = 256
    rates: tuple[Rate, Rate, Rate] = (6, 12, 18)

    @property
    def output_stride(self) -> int:
        """The encoder's last stage is dilated instead of halved."""
        return 16

    def build_decoder(self, channels: tuple[int, ...]) -> "DeeplabDecoder":
        """See `TimmSpec.build_decoder`."""
        return DeeplabDecoder(channels[-4], channels[-1], self.channels, self.rates)


class DeeplabDecoder(Decoder):
    """See `DeeplabV3Plus`.

    Args:
        low: Channels of the features at a quarter of the image's size.
        deep: Channels of the deepest.
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
        """Features from fine to deep to ones at a quarter of the image's size."""
        low = self.low(features[-4])
        deep = resized(self.pyramid(features[-1]), low)
        refined: FeatureMap = self.refine(torch.cat([deep, low], dim=1))
        return refined


class SeparableAspp(nn.Module):
    """Views of the features, side by side and joined: 1×1, separable 3×3 at each rate, and the mean of all places.

    Args:
        channels_in: Channels of the input.
        channels: Channels of each view, and of the output.
        rates: Dilations of the 3×3 views.
    """

    def __init__(self, channels_in: int, channels: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        views = [conv_norm_act(channels_in, channels, kernel=1)]
        views += [separable(channels_in, channels, rate) for rate in rates]
        self.views = nn.ModuleList(views)
        self.mean = conv_norm_act(channels_in, channels, kernel=1)
        self.join = nn.Sequential(conv_norm_act((len(views) + 1) * channels, channels, kernel=1), nn.Dropout(DROPOUT))

    def forward(self, features: Features) -> Projected:
        """As large as what it is given."""
        views = [view(features) for view in self.views]
        views.append(resized(self.mean(F.adaptive_avg_pool2d(features, 1)), features))
        joined: Projected = self.join(torch.cat(views, dim=1))
        return joined


def separable(channels_in: int, channels_out: int, rate: int = 1) -> nn.Sequential:
    """A depthwise 3×3 convolution, then a pointwise one with BatchNorm and ReLU."""
    depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=rate, dilation=rate, groups=channels_in, bias=False)
    return nn.Sequential(depthwise, conv_act_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False), norm_first=True))
