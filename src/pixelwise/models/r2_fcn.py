"""Custom network of report ai-idd: FCN with recurrent residual encoder stages.

Paper: report ai-idd, "RRCNN"; the block is that of Alom, Hasan, Yakopcic, Taha, Asari, "Recurrent Residual
Convolutional Neural Network based on U-Net (R2U-Net) for Medical Image Segmentation", arXiv 1802.06955 (2018), with
t = 2.

Departures: the report has no table. This is our interpretation: two stages instead of the five of the FCN, each a
recurrent residual block followed by a pool, and two transposed convolutions.
"""

from typing import Literal

from torch import nn

from pixelwise.core.types import Features, Logits, Projected
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, doubling, xavier_init

STEPS = 3  # t + 1 with the paper's t = 2


class R2Fcn(ModelSpec):
    """Custom FCN of report ai-idd with recurrent residual blocks (after Alom 2018).

    Two recurrent residual blocks to a quarter of the image size, two transposed convolutions. 151,253 parameters for 21
    classes.
    """

    kind: Literal["r2_fcn"] = "r2_fcn"

    @property
    def multiple(self) -> int:
        """Two pools halve both sides."""
        return 4

    def build(self, num_classes: int) -> "R2FcnNetwork":
        """See `ModelSpec.build`."""
        return R2FcnNetwork(num_classes)


class R2FcnNetwork(nn.Module):
    """See `R2Fcn`.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            RecurrentResidual(3, 32), nn.MaxPool2d(2), RecurrentResidual(32, 64), nn.MaxPool2d(2)
        )
        self.decoder = nn.Sequential(doubling(64, 64), doubling(64, 32))
        self.classifier = nn.Conv2d(32, num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 4, of the same size."""
        logits: Logits = self.classifier(self.decoder(self.encoder(images)))
        return logits


class RecurrentResidual(nn.Module):
    """Recurrent residual block: a 1×1 convolution, plus two recurrent layers on its output.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels_in, channels_out, 1)
        self.recurrent = nn.Sequential(Recurrent(channels_out), Recurrent(channels_out))

    def forward(self, features: Features) -> Projected:
        """Returns a map of the same size."""
        projected = self.project(features)
        out: Projected = projected + self.recurrent(projected)
        return out


class Recurrent(nn.Module):
    """Recurrent convolution: y ← f(x + y), repeated from y = 0.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = conv_act_norm(nn.Conv2d(channels, channels, 3, padding=1), norm_first=True)

    def forward(self, features: Features) -> Features:
        """Returns a map of the same size."""
        out: Features = self.convolve(features)
        for _ in range(STEPS - 1):
            out = self.convolve(features + out)
        return out
