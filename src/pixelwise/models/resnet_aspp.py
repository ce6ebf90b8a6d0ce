"""ImageNet encoder with an ASPP classifier, of report xiang-cityscapes.

Paper: report xiang-cityscapes (ResNet-50 and -101; VGG-16 was tried); see `encoders` and `aspp`.

Departures: the report states no dilation of the encoder, so the features are at 1/32 of the image size. The "skip
connections" of the report are those of the ResNet.
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
    """ImageNet encoder with an ASPP classifier, of report xiang-cityscapes (after Chen 2017).

    The class scores are resized bilinearly to the image size.
    """

    kind: Literal["resnet_aspp"] = "resnet_aspp"
    encoder: EncoderName = "resnet50"

    def build(self, num_classes: int) -> "ResnetAsppNetwork":
        """See `ModelSpec.build`."""
        return ResnetAsppNetwork(self.build_encoder(), CHANNELS[self.encoder], num_classes)


class ResnetAsppNetwork(nn.Module):
    """See `ResnetAspp`.

    Args:
        encoder: Encoder, with features at 1/32 of the image size.
        channels: Channels of the features.
        num_classes: K.
    """

    def __init__(self, encoder: Freezable, channels: int, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = Aspp(channels, num_classes, classifier=True)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 32, of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """See `EncodeDecode.encode`."""
        features: Encoded = self.encoder(images)
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """See `EncodeDecode.decode`."""
        return F.interpolate(self.classifier(features), list(size), mode="bilinear", align_corners=True)
