"""U-Net with two ASPP stages, of report xiang-cityscapes.

Paper: report xiang-cityscapes; see `unet` and `aspp`.

Departures: see there. The 35,224,255 parameters of the specification include a BatchNorm on the class scores, which
neither it nor this network has. An image of 800×800 pixels needs about 10 GiB of activations for the backward pass.
"""

from typing import Literal

from torch import nn

from pixelwise.models.aspp import Aspp
from pixelwise.models.base import ModelSpec
from pixelwise.models.unet import WIDTHS, UnetNetwork, up_stage


class UnetAspp(ModelSpec):
    """Bilinear U-Net with an ASPP as last decoder stage and as classifier, of report xiang-cityscapes.

    35,224,213 parameters for 21 classes.
    """

    kind: Literal["unet_aspp"] = "unet_aspp"

    @property
    def multiple(self) -> int:
        """Four pools halve both sides."""
        return 16

    def build(self, num_classes: int) -> UnetNetwork:
        """See `ModelSpec.build`."""
        ups = [up_stage("bilinear", 2 * width, norm_first=True) for width in reversed(WIDTHS[1:-1])]
        doubled = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        ups.append(nn.Sequential(doubled, Aspp(2 * WIDTHS[0], WIDTHS[0])))
        return UnetNetwork(ups, Aspp(WIDTHS[0], num_classes, classifier=True), norm="batch", norm_first=True)
