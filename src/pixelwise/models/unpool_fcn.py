"""Custom network of report isayama-voc2012: FCN with unpooling by pooling indices.

Paper: report isayama-voc2012, custom architecture; unpooling after Badrinarayanan, Kendall, Cipolla, "SegNet", TPAMI 39
(2017).

Departures: the report has stride 2 in every convolution in addition to the pools, which is impossible for images of 224
pixels. Only the first convolution and the last transposed convolution have stride 2 here. The skip connections in the
text of the report are the pooling indices.
"""

from typing import Literal

from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, doubling, xavier_init

POOLED = (64, 128, 256, 512, 1024)


class UnpoolFcn(ModelSpec):
    """Custom FCN of report isayama-voc2012 with unpooling by pooling indices (after SegNet 2017).

    Six convolutions with five pools, five unpoolings and six transposed convolutions. 12,590,517 parameters for 21
    classes.
    """

    kind: Literal["unpool_fcn"] = "unpool_fcn"

    @property
    def multiple(self) -> int:
        """A strided convolution and five pools halve both sides six times."""
        return 64

    def build(self, num_classes: int) -> "UnpoolFcnNetwork":
        """See `ModelSpec.build`."""
        return UnpoolFcnNetwork(num_classes)


class UnpoolFcnNetwork(nn.Module):
    """See `UnpoolFcn`.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        widths = (32, *POOLED)
        self.stem = conv_act_norm(nn.Conv2d(3, 32, 3, stride=2, padding=1))
        self.encoder = nn.ModuleList(
            conv_act_norm(nn.Conv2d(i, o, 3, padding=1)) for i, o in zip(widths, POOLED, strict=False)
        )
        self.decoder = nn.ModuleList(
            conv_act_norm(nn.ConvTranspose2d(i, o, 3, padding=1))
            for i, o in zip(reversed(POOLED), reversed(widths[:-1]), strict=True)
        )
        self.head = doubling(32, 32)
        self.classifier = nn.Conv2d(32, num_classes, 1)
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, both sides multiples of 64, of the same size."""
        features, pools = self.stem(images), []
        for convolve in self.encoder:
            full = convolve(features)
            features, indices = F.max_pool2d(full, 2, return_indices=True)
            pools.append((indices, full.shape[-2:]))
        for convolve in self.decoder:
            indices, size = pools.pop()
            features = convolve(F.max_unpool2d(features, indices, [2, 2], output_size=size))
        logits: Logits = self.classifier(self.head(features))
        return logits
