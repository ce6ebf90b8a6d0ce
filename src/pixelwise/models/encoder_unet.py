"""The U-Net's way back up, on any encoder of timm.

Paper: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

Departures: the way down is an encoder of timm, so the first skip is at half of the image's size; convolutions are
padded and normalized; nearest upsampling instead of a transposed convolution. The way up ends at half of the size
unless told otherwise, for the finest stage computes most and has no skip to gain from.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import FeatureMap
from pixelwise.models.blocks import conv_norm_act
from pixelwise.models.encoder_decoder import Decoder
from pixelwise.models.timm_encoder import TimmSpec

Width = Annotated[int, Field(ge=1)]
STAGES = {4: 3, 2: 4, 1: 5}
"""Where the way up ends, as a fraction of the image's size -> its stages."""


class EncoderUnet(TimmSpec):
    """Stages that double the size, join the encoder's features of that size, and convolve twice.

    Attributes:
        widths: Channels of the stages, deepest first: they end at a sixteenth, an eighth, a quarter, a half of the
            image's size, and at all of it.
        stride: The fraction of the size that the way up ends at; finer stages are not built.
    """

    kind: Literal["encoder_unet"] = "encoder_unet"
    widths: tuple[Width, Width, Width, Width, Width] = (256, 128, 64, 32, 16)
    stride: Literal[1, 2, 4] = 2

    def build_decoder(self, channels: tuple[int, ...]) -> "UnetDecoder":
        """See `TimmSpec.build_decoder`."""
        return UnetDecoder(channels, self.widths[: STAGES[self.stride]])


class UnetDecoder(Decoder):
    """See `EncoderUnet`.

    Args:
        channels: Of the features, from fine to deep.
        widths: Channels of the stages, deepest first.
    """

    def __init__(self, channels: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        deepest, *skips = reversed(channels)
        # A stage that is finer than the encoder's finest features has no skip.
        joined = zip((deepest, *widths), [*skips, 0, 0], widths, strict=False)
        self.stages = nn.ModuleList(nn.Sequential(conv_norm_act(i + s, o), conv_norm_act(o, o)) for i, s, o in joined)
        self.channels = widths[-1]

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Features from fine to deep to the last stage's."""
        decoded, *skips = reversed(features)
        for stage, skip in zip(self.stages, [*skips, None, None], strict=False):
            decoded = stage(_joined(decoded, skip))
        return decoded


def _joined(features: FeatureMap, skip: FeatureMap | None) -> FeatureMap:
    """Features at twice their size, beside those of the encoder, if it has any there."""
    if skip is None:
        return F.interpolate(features, scale_factor=2.0, mode="nearest")
    return torch.cat([F.interpolate(features, skip.shape[-2:], mode="nearest"), skip], dim=1)
