"""The custom network of report ai-idd: an FCN whose encoder stages are recurrent and residual.

Paper: report ai-idd, "RRCNN"; the block is that of Alom, Hasan, Yakopcic, Taha, Asari, "Recurrent Residual
Convolutional Neural Network based on U-Net (R2U-Net) for Medical Image Segmentation", arXiv 1802.06955 (2018), with
t = 2.

Departures: the report has no table. This is our reading: two of the FCN's five stages remain, each a recurrent residual
block followed by a pool, and two transposed convolutions lead back.
"""

from typing import Literal

from torch import nn

from pixelwise.core.types import Features, Logits, Projected
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, doubling, xavier_init

STEPS = 3  # t + 1 with the paper's t = 2


class R2Fcn(ModelSpec):
    """Two recurrent residual blocks down to a quarter, two transposed convolutions up.

    151,253 parameters for 21 classes.
    """

    kind: Literal["r2_fcn"] = "r2_fcn"

    @property
    def multiple(self) -> int:
        """Two pools."""
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
        """Normalized images, both sides multiples of 4, to logits of the same size."""
        logits: Logits = self.classifier(self.decoder(self.encoder(images)))
        return logits


class RecurrentResidual(nn.Module):
    """A 1×1 convolution, two recurrent layers, and the sum of their output with the 1×1's.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of everything else.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels_in, channels_out, 1)
        self.recurrent = nn.Sequential(Recurrent(channels_out), Recurrent(channels_out))

    def forward(self, features: Features) -> Projected:
        """As large as what it is given."""
        projected = self.project(features)
        out: Projected = projected + self.recurrent(projected)
        return out


class Recurrent(nn.Module):
    """One convolution applied several times to the input plus its own last output: y ← f(x + y), from y = 0.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = conv_act_norm(nn.Conv2d(channels, channels, 3, padding=1), norm_first=True)

    def forward(self, features: Features) -> Features:
        """As large as what it is given."""
        out: Features = self.convolve(features)
        for _ in range(STEPS - 1):
            out = self.convolve(features + out)
        return out
