"""U-Net of the reports: padded convolutions, four pools, skip connections by concatenation.

Paper: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

Departures: from the paper: padded convolutions, as in all reports, so that the logits have the size of the image; no
dropout, no elastic deformation. From the reports: `kerr` has a fifth decoder stage 64→32 without a fifth pool, which
would double the image size, and the table of `isayama` has stride 2 in the double convolutions; both are left out.
"""

from typing import Literal

import torch
from torch import nn

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import Norm, conv_act_norm, xavier_init

WIDTHS = (64, 128, 256, 512, 1024)
Up = Literal["transposed", "bilinear"]


class Unet(ModelSpec):
    """U-Net of the reports, with padded convolutions (after Ronneberger 2015).

    Double convolutions of 64 to 1024 channels with four pools. Parameters for 21 classes: 31,044,821 with BatchNorm,
    31,033,045 without, 34,528,341 bilinear.

    Attributes:
        norm: Normalization of the convolutions: `none` (`kerr`), `batch`, or `instance` (`isayama`).
        up: Upsampling: `transposed` convolution K2 S2, or `bilinear` ×2 and a convolution with BatchNorm (`xiang`).
        norm_first: Whether normalization precedes ReLU; else it follows.
    """

    kind: Literal["unet"] = "unet"
    norm: Norm = "batch"
    up: Up = "transposed"
    norm_first: bool = True

    @property
    def multiple(self) -> int:
        """Four pools halve both sides."""
        return 16

    @property
    def min_size(self) -> int:
        """InstanceNorm needs more than one value in the deepest features."""
        return 32

    def build(self, num_classes: int) -> "UnetNetwork":
        """See `ModelSpec.build`."""
        ups = [up_stage(self.up, 2 * width, self.norm_first) for width in reversed(WIDTHS[:-1])]
        return UnetNetwork(ups, nn.Conv2d(WIDTHS[0], num_classes, 1), self.norm, self.norm_first)


class UnetNetwork(nn.Module):
    """See `Unet`.

    Args:
        ups: Four stages, deepest first, that double the size and halve the channels.
        classifier: Layer from 64 channels to logits.
        norm: See `Unet`.
        norm_first: See `Unet`.
    """

    def __init__(self, ups: list[nn.Module], classifier: nn.Module, norm: Norm, norm_first: bool) -> None:
        super().__init__()
        down = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.encoder = nn.ModuleList(double(i, o, norm, norm_first) for i, o in down)
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList(ups)
        self.decoder = nn.ModuleList(double(2 * o, o, norm, norm_first) for o in reversed(WIDTHS[:-1]))
        self.classifier = classifier
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 16, of the same size."""
        skips = [self.encoder[0](images)]
        for convolve in list(self.encoder)[1:]:
            skips.append(convolve(self.pool(skips[-1])))
        features = skips.pop()
        for up, convolve in zip(self.ups, self.decoder, strict=True):
            features = convolve(torch.cat([skips.pop(), up(features)], dim=1))
        logits: Logits = self.classifier(features)
        return logits


def double(channels_in: int, channels_out: int, norm: Norm, norm_first: bool) -> nn.Sequential:
    """Two 3×3 convolutions with ReLU and normalization."""
    convolutions = (
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
    )
    return nn.Sequential(*(conv_act_norm(c, norm=norm, norm_first=norm_first) for c in convolutions))


def up_stage(up: Up, channels: int, norm_first: bool) -> nn.Module:
    """Upsampling to twice the size and half the channels."""
    if up == "transposed":
        return nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        conv_act_norm(nn.Conv2d(channels, channels // 2, 3, padding=1), norm_first=norm_first),
    )
