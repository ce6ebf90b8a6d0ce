"""PP-LiteSeg's decoder, on any encoder of timm: the light one.

Paper: Peng, Liu, Tang, Hao, Chu, Chen, Wu, Chen, Yu, Du, Dang, Lai, Liu, Hu, Yu, Ma, "PP-LiteSeg: A Superior Real-Time
Semantic Segmentation Model", arXiv 2204.02681 (2022).

Departures: the encoder is timm's, not STDC. A BatchNorm before the attention's sigmoid. Auxiliary heads on one level,
not on three, and only where `aux` asks for one.
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
"""Sides of the grids that the deepest features are averaged over."""


class PpLiteseg(TimmSpec):
    """The deepest features with their surroundings, fused upwards with the encoder's by spatial attention.

    A batch of one image cannot train it: BatchNorm over the one value of the whole image's mean is undefined.

    Attributes:
        widths: Channels at a thirty-second of the image's size, at a sixteenth, and at what is finer.
        stride: The fraction of the size that the way up ends at.
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
        channels: Of the features, from fine to deep.
        widths: Channels of what is made at each level, deepest first.
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
        """Features from fine to deep to ones at the finest level that is fused."""
        deepest, *finer = reversed(features)
        decoded = self.surroundings(deepest)
        for fuse, level in zip(self.fusions, finer, strict=False):
            decoded = fuse(level, decoded)
        scored: FeatureMap = self.head(decoded)
        return scored


class PyramidPooling(nn.Module):
    """Means over ever finer grids, each projected, brought back to the features' size, and added up.

    Args:
        channels_in: Channels of the input.
        channels: Channels of everything else.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(conv_norm_act(channels_in, channels, kernel=1) for _ in BINS)
        self.join = conv_norm_act(channels, channels)

    def forward(self, features: Features) -> Projected:
        """As large as what it is given."""
        views = [project(pooled(features, bins)) for project, bins in zip(self.project, BINS, strict=True)]
        added = resized(views[0], features)
        for view in views[1:]:
            added = added + resized(view, features)
        joined: Projected = self.join(added)
        return joined


class AttentionFusion(nn.Module):
    """The encoder's features and deeper ones, mixed at each place by a share that both decide.

    Args:
        level: Channels of the encoder's features.
        channels_in: Channels of the deeper ones.
        channels_out: Channels of the output.
    """

    def __init__(self, level: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = conv_norm_act(level, channels_in)
        self.attend = nn.Sequential(nn.Conv2d(4, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1), nn.Sigmoid())
        self.join = conv_norm_act(channels_in, channels_out)

    def forward(self, level: FeatureMap, deeper: FeatureMap) -> FeatureMap:
        """As large as the encoder's features."""
        own = self.project(level)
        deeper = resized(deeper, own)
        looks = [look for view in (deeper, own) for look in (view.mean(1, keepdim=True), view.amax(1, keepdim=True))]
        share = self.attend(torch.cat(looks, dim=1))
        joined: FeatureMap = self.join(share * deeper + (1 - share) * own)
        return joined


def pooled(features: Features, bins: int) -> Float[Tensor, "B C n n"]:
    """The means over a grid, as `F.adaptive_avg_pool2d` gives them, by two products of matrices.

    Exports keep those for images of every size.
    """
    rows, columns = (_shares(bins, length, features) for length in features.shape[-2:])
    return rows @ features @ columns.T


def _shares(bins: int, length: Any, like: Tensor) -> Float[Tensor, "n length"]:
    """The share that each place of a line has in the mean of each bin; bins overlap where they do not divide it."""
    edges, places = (torch.arange(number, device=like.device) for number in (bins, length))
    first, last = edges * length // bins, ((edges + 1) * length + bins - 1) // bins
    inside: Tensor = ((places >= first[:, None]) & (places < last[:, None])).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)
