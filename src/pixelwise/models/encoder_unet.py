"""U-Net decoder on a timm encoder.

Paper: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

Departures: a timm encoder, so the first skip connection is at half of the image size; padded and normalized
convolutions; nearest-neighbor upsampling instead of transposed convolutions. By default the decoder ends at half of the
image size, because the finest stage has the highest cost and no skip connection.
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
"""Stride of the decoder's output -> number of stages."""


class EncoderUnet(TimmSpec):
    """U-Net decoder on a timm encoder (Ronneberger 2015).

    Each stage doubles the size, concatenates the features of the encoder of that size, and has two convolutions.

    Attributes:
        widths: Channels of the stages, deepest first. Their outputs have strides 16, 8, 4, 2 and 1.
        stride: Stride of the decoder's output. Finer stages are not built.
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
        channels: Channels of the encoder's features, from fine to deep.
        widths: Channels of the stages, deepest first.
    """

    def __init__(self, channels: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        deepest, *skips = reversed(channels)
        # A stage that is finer than the finest features of the encoder has no skip connection.
        joined = zip((deepest, *widths), [*skips, 0, 0], widths, strict=False)
        self.stages = nn.ModuleList(nn.Sequential(conv_norm_act(i + s, o), conv_norm_act(o, o)) for i, s, o in joined)
        self.channels = widths[-1]

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Returns the output of the last stage."""
        decoded, *skips = reversed(features)
        for stage, skip in zip(self.stages, [*skips, None, None], strict=False):
            decoded = stage(_joined(decoded, skip))
        return decoded


def _joined(features: FeatureMap, skip: FeatureMap | None) -> FeatureMap:
    """Doubles the size of features and concatenates the skip connection, if there is one."""
    if skip is None:
        return F.interpolate(features, scale_factor=2.0, mode="nearest")
    return torch.cat([F.interpolate(features, skip.shape[-2:], mode="nearest"), skip], dim=1)
