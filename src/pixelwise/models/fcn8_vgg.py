"""Custom network of report kerr-voc2007: VGG-like encoder, decoder with one channel per class.

Paper: report kerr-voc2007, table 2; after Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic
Segmentation", CVPR 2015 (FCN-8s), and Simonyan, Zisserman, "Very Deep Convolutional Networks", ICLR 2015.

Departures: the table reduces the channels of encoder features to the number of classes without stating how; 1×1
projections do it here. With its swapped columns corrected, the table has pools with padding 1 and a last layer with
kernel 2; pools are 2×2 with stride 2 and the last layer is 1×1 here. The text has seven pools and four transposed
convolutions, the table five and five.
"""

from typing import Literal

import torch
from torch import nn

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, xavier_init

STAGES = ((64, 64), (128, 256), (256, 256), (512, 512, 512), (512, 512, 512))
BOTTOM = (4096, 4096)


class Fcn8Vgg(ModelSpec):
    """Custom network of report kerr-voc2007: FCN-8s with a VGG-like encoder (after Long 2015, Simonyan 2015).

    Twelve convolutions with five pools, two convolutions of 4096 channels, and five transposed convolutions of class
    scores. 185,282,976 parameters for 21 classes, four fifths of them in one 4096→4096 convolution.
    """

    kind: Literal["fcn8_vgg"] = "fcn8_vgg"

    @property
    def multiple(self) -> int:
        """Five pools halve both sides."""
        return 32

    def build(self, num_classes: int) -> "Fcn8VggNetwork":
        """See `ModelSpec.build`."""
        return Fcn8VggNetwork(num_classes)


class Fcn8VggNetwork(nn.Module):
    """See `Fcn8Vgg`.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        ends = [stage[-1] for stage in STAGES]
        self.encoder = nn.ModuleList(
            nn.Sequential(_convolutions(i, stage), nn.MaxPool2d(2))
            for i, stage in zip((3, *ends), STAGES, strict=False)
        )
        self.bottom = _convolutions(ends[-1], (*BOTTOM, num_classes))
        self.projections = nn.ModuleList(nn.Conv2d(i, num_classes, 1) for i in reversed(ends[:-1]))
        self.first_up = _up(num_classes, num_classes)
        self.ups = nn.ModuleList(_up(2 * num_classes, num_classes) for _ in ends[:-1])
        self.classifier = nn.Conv2d(num_classes, num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 32, of the same size."""
        features, skips = images, []
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)
        skips.pop()  # the input of the bottom
        features = self.first_up(self.bottom(features))
        for up, project in zip(self.ups, self.projections, strict=True):
            features = up(torch.cat([project(skips.pop()), features], dim=1))
        logits: Logits = self.classifier(features)
        return logits


def _convolutions(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Returns 3×3 convolutions with ReLU and BatchNorm, one for each width."""
    ins = (channels, *widths)
    return nn.Sequential(*(conv_act_norm(nn.Conv2d(i, o, 3, padding=1)) for i, o in zip(ins, widths, strict=False)))


def _up(channels_in: int, channels_out: int) -> nn.Sequential:
    return conv_act_norm(nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2))
