"""U-Net of report lian-voc2007 (system 5c): no padding in the encoder, too much padding in the decoder.

Paper: report lian-voc2007, table of section 5c, after Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015.

Departures: the report states 8×8 for the deepest features of 224×224 pixels; its layers give 6×6. The logits of 224×224
pixels have 160×160; they are resized bilinearly to the input size here. The border that the encoder loses and the
decoder pads is a likely reason for the square that the report observes in every prediction.
"""

from itertools import pairwise
from typing import Literal

from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, xavier_init

WIDTHS = (64, 128, 256, 512, 1024)


class ValidUnet(ModelSpec):
    """U-Net of report lian-voc2007 without encoder padding and skip connections (after Ronneberger 2015).

    The logits are resized to the input size. 33,834,901 parameters for 21 classes.
    """

    kind: Literal["valid_unet"] = "valid_unet"

    @property
    def min_size(self) -> int:
        """The deepest features of an image of 140 pixels have one pixel."""
        return 140

    def build(self, num_classes: int) -> "ValidUnetNetwork":
        """See `ModelSpec.build`."""
        return ValidUnetNetwork(num_classes)


class ValidUnetNetwork(nn.Module):
    """See `ValidUnet`.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(_double(3, WIDTHS[0], 0))
        for i, o in pairwise(WIDTHS):
            self.encoder.extend([nn.MaxPool2d(2), _double(i, o, 0)])
        self.decoder = nn.Sequential()
        for stage, width in enumerate(reversed(WIDTHS[1:])):
            up = nn.ConvTranspose2d(width, width, 2, stride=2, output_padding=1 if stage == 1 else 0)
            self.decoder.extend([conv_act_norm(up), _double(width, width // 2, 2)])
        self.classifier = nn.Conv2d(WIDTHS[0], num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides at least 140, of the same size."""
        logits: Logits = self.classifier(self.decoder(self.encoder(images)))
        return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=False)


def _double(channels_in: int, channels_out: int, padding: int) -> nn.Sequential:
    convolutions = (
        nn.Conv2d(channels_in, channels_out, 3, padding=padding),
        nn.Conv2d(channels_out, channels_out, 3, padding=padding),
    )
    return nn.Sequential(*(conv_act_norm(c) for c in convolutions))
