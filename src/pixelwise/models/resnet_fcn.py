"""An ImageNet encoder under the decoder of the reports' FCN.

Paper: the reports kerr-voc2007 (ResNet-34 and -18), lian-voc2007 (5b), xiang-cityscapes (ResNet-50) and isayama-voc2012
(ResNet-34 and -18); see `encoders` for the encoders' papers.

Departures: none known; tables print the widths that the fields here default to.
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
    """A classification network without its head, five transposed convolutions up, a 1×1 classifier.

    Parameters for 21 classes: 25,214,357 with ResNet-34 and `kerr`'s widths, 34,515,605 with ResNet-50, 22,857,845 with
    ResNet-34 and `isayama`'s widths.

    Attributes:
        widths: Channels of the five stages up: 512, 256, 128, 64, 32 (`kerr`, `lian`, `xiang`) or 256, 128, 64, 32, 16
            (`isayama`).
        encoder_norm: A BatchNorm between encoder and decoder (`lian`).
        norm_first: Convolution → BatchNorm → ReLU in the decoder (`xiang`, `isayama`); else ReLU → BatchNorm.
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
        encoder: Gives the features at a thirty-second of the image's size.
        spec: What to build on it.
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
        """Normalized images, both sides multiples of 32, to logits of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """The part that may be frozen."""
        features: Encoded = self.encoder(images)
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """The part that learns. It doubles five times, whatever the size."""
        del size
        logits: Logits = self.classifier(self.decoder(self.norm(features)))
        return logits
