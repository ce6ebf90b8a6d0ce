"""ImageNet encoder with the FCN decoder of the reports.

Paper: the reports kerr-voc2007 (ResNet-34 and -18), lian-voc2007 (5b), xiang-cityscapes (ResNet-50) and isayama-voc2012
(ResNet-34 and -18); see `encoders` for the papers of the encoders.

Departures: none known. The default widths are those in the tables of the reports.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from pixelwise.core.types import Encoded, Features, Logits
from pixelwise.models.blocks import Freezable, doubling, xavier_init
from pixelwise.models.encoders import CHANNELS, EncoderName, EncoderSpec

Width = Annotated[int, Field(ge=1)]


class ResnetFcn(EncoderSpec):
    """ImageNet encoder with the FCN decoder of the reports: five transposed convolutions (after Long 2015).

    A 1×1 classifier follows. Parameters for 21 classes: 25,214,357 with ResNet-34 and the widths of `kerr`, 34,515,605
    with ResNet-50, 22,857,845 with ResNet-34 and the widths of `isayama`.

    Attributes:
        widths: Channels of the five decoder stages: 512, 256, 128, 64, 32 (`kerr`, `lian`, `xiang`) or 256, 128, 64,
            32, 16 (`isayama`).
        encoder_norm: Whether there is a BatchNorm between encoder and decoder (`lian`).
        norm_first: Whether BatchNorm precedes ReLU in the decoder (`xiang`, `isayama`); else it follows.
    """

    kind: Literal["resnet_fcn"] = "resnet_fcn"
    encoder: EncoderName = "resnet34"
    widths: tuple[Width, Width, Width, Width, Width] = (512, 256, 128, 64, 32)
    encoder_norm: bool = False
    norm_first: bool = False

    def build(self, num_classes: int) -> "ResnetFcnNetwork":
        """See `ModelSpec.build`."""
        return ResnetFcnNetwork(self.build_encoder(), self, num_classes)


class ResnetFcnNetwork(nn.Module):
    """See `ResnetFcn`.

    Args:
        encoder: Encoder, with features at 1/32 of the image size.
        spec: Spec of the network.
        num_classes: K.
    """

    def __init__(self, encoder: Freezable, spec: ResnetFcn, num_classes: int) -> None:
        super().__init__()
        channels = CHANNELS[spec.encoder]
        self.encoder = encoder
        self.norm = nn.BatchNorm2d(channels) if spec.encoder_norm else nn.Identity()
        stages = zip((channels, *spec.widths), spec.widths, strict=False)
        self.decoder = nn.Sequential(*(doubling(i, o, norm_first=spec.norm_first) for i, o in stages))
        self.classifier = nn.Conv2d(spec.widths[-1], num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 32, of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """See `EncodeDecode.encode`."""
        features: Encoded = self.encoder(images)
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """See `EncodeDecode.decode`. The decoder doubles the size five times."""
        del size
        logits: Logits = self.classifier(self.decoder(self.norm(features)))
        return logits
