"""Custom network of report lian-voc2007 (system 5a): FCN with dilated convolutions and tanh.

Paper: report lian-voc2007, table of section 5a; dilation after Yu, Koltun, "Multi-Scale Context Aggregation by Dilated
Convolutions", ICLR 2016.

Departures: its table prints 21 channels for the first layer's input; images have 3.
"""

from typing import Literal

from torch import nn

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, xavier_init


class DilatedTanhFcn(ModelSpec):
    """Custom FCN of report lian-voc2007 with dilated convolutions and tanh (dilation after Yu, Koltun 2016).

    Six convolutions, the last three strided and dilated, to an eighth of the image size; six transposed convolutions
    back. 14,431,765 parameters for 21 classes.
    """

    kind: Literal["dilated_tanh_fcn"] = "dilated_tanh_fcn"

    @property
    def multiple(self) -> int:
        """The encoder halves both sides three times."""
        return 8

    @property
    def min_size(self) -> int:
        """A dilated kernel is larger than the feature map of a smaller image."""
        return 40

    def build(self, num_classes: int) -> "DilatedTanhFcnNetwork":
        """See `ModelSpec.build`."""
        return DilatedTanhFcnNetwork(num_classes)


class DilatedTanhFcnNetwork(nn.Module):
    """See `DilatedTanhFcn`.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            _down(3, 32, 3), _down(32, 32, 3), _down(32, 64, 3),
            _down(64, 128, 3, 2), _down(128, 256, 5, 2), _down(256, 512, 5, 2),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            _up(512, 512, 5, 2), _up(512, 256, 5, 2), _up(256, 128, 3, 2, output_padding=1),
            _up(128, 64, 3), _up(64, 32, 3), _up(32, 32, 3),
        )  # fmt: skip
        self.classifier = nn.Conv2d(32, num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 8, of the same size."""
        logits: Logits = self.classifier(self.decoder(self.encoder(images)))
        return logits


def _down(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution → tanh → BatchNorm. A layer of stride 2 also has dilation 2."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=1, dilation=stride)
    return conv_act_norm(convolution, activation="tanh")


def _up(channels_in: int, channels_out: int, kernel: int, stride: int = 1, output_padding: int = 0) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(
        channels_in, channels_out, kernel, stride, padding=1, output_padding=output_padding, dilation=stride
    )
    return conv_act_norm(convolution, activation="tanh")
