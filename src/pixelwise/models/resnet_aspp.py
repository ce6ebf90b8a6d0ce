"""An ImageNet encoder under an ASPP that classifies.

Paper: report xiang-cityscapes (ResNet-50 and -101; VGG-16 was tried); see `encoders` and `aspp`.

Departures: the report states no dilation in the encoder, so its features are at a thirty-second of the image's size.
Its "skip connections" are the ResNet's own.
"""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Encoded, Features, Logits
from pixelwise.models.aspp import Aspp
from pixelwise.models.blocks import Freezable, xavier_init
from pixelwise.models.encoders import CHANNELS, EncoderName, EncoderSpec


class ResnetAspp(EncoderSpec):
    """A classification network without its head, ASPP to class scores, bilinear to the image's size."""

    kind: Literal["resnet_aspp"] = "resnet_aspp"
    encoder: EncoderName = "resnet50"

    def build(self, num_classes: int) -> "ResnetAsppNetwork":
        """See `ModelSpec.build`."""
        return ResnetAsppNetwork(self.build_encoder(), CHANNELS[self.encoder], num_classes)


class ResnetAsppNetwork(nn.Module):
    """See `ResnetAspp`.

    Args:
        encoder: Gives the features at a thirty-second of the image's size.
        channels: How many channels those have.
        num_classes: K.
    """

    def __init__(self, encoder: Freezable, channels: int, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = Aspp(channels, num_classes, classifier=True)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Normalized images, both sides multiples of 32, to logits of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """The part that may be frozen."""
        features: Encoded = self.encoder(images)
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """The part that learns."""
        return F.interpolate(self.classifier(features), list(size), mode="bilinear", align_corners=True)
