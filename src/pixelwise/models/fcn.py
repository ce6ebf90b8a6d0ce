"""FCN baseline of the five reports.

Paper: after Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015; layers as in
the reports kerr-voc2007, ai-idd, lian-voc2007, xiang-cityscapes and isayama-voc2012.

Departures: from the paper, as in the reports: no pretrained encoder, no skip connections, a learned decoder. From the
reports: the table of `kerr` swaps the columns of padding and stride; the order here is that of the other reports.
"""

from typing import Literal

from torch import nn

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, doubling, xavier_init

ENCODER = (32, 64, 128, 256, 512)
DECODER = (512, 256, 128, 64, 32)


class Fcn(ModelSpec):
    """FCN baseline of the five reports: five strided and five transposed convolutions (after Long 2015).

    A 1×1 classifier follows. 5,500,245 parameters for 21 classes.

    Attributes:
        norm_first: Whether BatchNorm precedes ReLU, as in `xiang`; it follows ReLU in the other reports.
    """

    kind: Literal["fcn"] = "fcn"
    norm_first: bool = False

    @property
    def multiple(self) -> int:
        """The encoder halves both sides five times."""
        return 32

    def build(self, num_classes: int) -> "FcnNetwork":
        """See `ModelSpec.build`."""
        return FcnNetwork(num_classes, self.norm_first)


class FcnNetwork(nn.Module):
    """See `Fcn`.

    Args:
        num_classes: K.
        norm_first: See `Fcn`.
    """

    def __init__(self, num_classes: int, norm_first: bool) -> None:
        super().__init__()
        down = zip((3, *ENCODER), ENCODER, strict=False)
        up = zip((ENCODER[-1], *DECODER), DECODER, strict=False)
        convolutions = (nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in down)
        self.encoder = nn.Sequential(*(conv_act_norm(c, norm_first=norm_first) for c in convolutions))
        self.decoder = nn.Sequential(*(doubling(i, o, norm_first=norm_first) for i, o in up))
        self.classifier = nn.Conv2d(DECODER[-1], num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 32, of the same size."""
        logits: Logits = self.classifier(self.decoder(self.encoder(images)))
        return logits
