"""PP-LiteSeg decoder on a timm encoder.

Paper: Peng, Liu, Tang, Hao, Chu, Chen, Wu, Chen, Yu, Du, Dang, Lai, Liu, Hu, Yu, Ma, "PP-LiteSeg: A Superior Real-Time
Semantic Segmentation Model", arXiv 2204.02681 (2022).

Departures: a timm encoder instead of STDC. A BatchNorm before the sigmoid of the attention. An auxiliary head at one
level instead of three, and only with `aux_loss_weight` above 0.
"""

from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from pixelwise.core.types import FeatureMap, Features, Projected
from pixelwise.models.blocks import conv_norm_act, resized
from pixelwise.models.encoder_decoder import Decoder
from pixelwise.models.timm_encoder import TimmSpec

Width = Annotated[int, Field(ge=1)]
BINS = (1, 2, 4)
"""Numbers of rows and columns of the grids that the deepest features are averaged over."""


class PpLiteseg(TimmSpec):
    """PP-LiteSeg decoder on a timm encoder (Peng 2022).

    Pyramid pooling of the deepest features, fused with finer features by spatial attention. Training needs at least two
    images per batch: BatchNorm over the single value of the mean of the image is undefined.

    Attributes:
        widths: Channels at 1/32 of the image size, at 1/16, and at finer levels.
        stride: Stride of the decoder's output.
    """

    kind: Literal["pp_liteseg"] = "pp_liteseg"
    widths: tuple[Width, Width, Width] = (128, 96, 64)
    stride: Literal[4, 8] = 8

    def build_decoder(self, channels: tuple[int, ...]) -> "LiteDecoder":
        """See `TimmSpec.build_decoder`."""
        finer = self.widths[2:] * (2 if self.stride == 4 else 1)
        return LiteDecoder(channels, (*self.widths[:2], *finer))


class LiteDecoder(Decoder):
    """See `PpLiteseg`.

    Args:
        channels: Channels of the encoder's features, from fine to deep.
        widths: Channels of the decoder at each level, deepest first.
    """

    def __init__(self, channels: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        deepest, *finer = reversed(channels)
        self.surroundings = PyramidPooling(deepest, widths[0])
        self.fusions = nn.ModuleList(
            AttentionFusion(level, i, o) for level, i, o in zip(finer, widths, widths[1:], strict=False)
        )
        self.head = conv_norm_act(widths[-1], widths[-1])
        self.channels = widths[-1]

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Returns features at the finest fused level."""
        deepest, *finer = reversed(features)
        decoded = self.surroundings(deepest)
        for fuse, level in zip(self.fusions, finer, strict=False):
            decoded = fuse(level, decoded)
        scored: FeatureMap = self.head(decoded)
        return scored


class PyramidPooling(nn.Module):
    """Pyramid pooling: means over grids, each projected and resized to the size of the features, and summed.

    Args:
        channels_in: Channels of the input.
        channels: Channels of the projections and of the output.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(conv_norm_act(channels_in, channels, kernel=1) for _ in BINS)
        self.join = conv_norm_act(channels, channels)

    def forward(self, features: Features) -> Projected:
        """Returns a map of the same size."""
        projected = [project(pooled(features, bins)) for project, bins in zip(self.project, BINS, strict=True)]
        added = resized(projected[0], features)
        for level in projected[1:]:
            added = added + resized(level, features)
        joined: Projected = self.join(added)
        return joined


class AttentionFusion(nn.Module):
    """Unified attention fusion: weighted mean of encoder features and deeper features, with a weight for each pixel.

    Args:
        level: Channels of the encoder features.
        channels_in: Channels of the deeper features.
        channels_out: Channels of the output.
    """

    def __init__(self, level: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = conv_norm_act(level, channels_in)
        self.attend = nn.Sequential(nn.Conv2d(4, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1), nn.Sigmoid())
        self.join = conv_norm_act(channels_in, channels_out)

    def forward(self, level: FeatureMap, deeper: FeatureMap) -> FeatureMap:
        """Returns a map of the size of the encoder features."""
        own = self.project(level)
        deeper = resized(deeper, own)
        statistics = [f(x) for x in (deeper, own) for f in (_channel_mean, _channel_max)]
        weight = self.attend(torch.cat(statistics, dim=1))
        joined: FeatureMap = self.join(weight * deeper + (1 - weight) * own)
        return joined


def _channel_mean(features: FeatureMap) -> FeatureMap:
    return features.mean(1, keepdim=True)


def _channel_max(features: FeatureMap) -> FeatureMap:
    return features.amax(1, keepdim=True)


def pooled(features: Features, bins: int) -> Float[Tensor, "B C n n"]:
    """Returns the means over a grid, as `F.adaptive_avg_pool2d`, by two matrix products.

    Unlike adaptive pooling, they can be exported for images of any size.
    """
    rows, columns = (_bin_weights(bins, length, features) for length in features.shape[-2:])
    return rows @ features @ columns.T


def _bin_weights(bins: int, length: Any, like: Tensor) -> Float[Tensor, "n length"]:
    """Returns the weight of each position in the mean of each bin. Bins overlap if they do not divide the length."""
    edges, positions = (torch.arange(number, device=like.device) for number in (bins, length))
    first, last = edges * length // bins, ((edges + 1) * length + bins - 1) // bins
    inside: Tensor = ((positions >= first[:, None]) & (positions < last[:, None])).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)
