"""The custom network of report isayama-voc2012: pooling whose indices lead the way back up.

Paper: report isayama-voc2012, custom architecture; unpooling after Badrinarayanan, Kendall, Cipolla, "SegNet", TPAMI 39
(2017).

Departures: as printed, with stride 2 in every convolution besides the pools, no image of 224 pixels survives. Stride 2
stays in the first convolution and in the last transposed one. The skip connections that the text speaks of are the
pooling indices.
"""

from typing import Literal

from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Features, Logits
from pixelwise.models.base import ModelSpec
from pixelwise.models.blocks import conv_act_norm, doubling, xavier_init

POOLED = (64, 128, 256, 512, 1024)


class UnpoolFcn(ModelSpec):
    """Six convolutions with five pools down, five unpoolings and six transposed convolutions up.

    12,590,517 parameters for 21 classes.
    """

    kind: Literal["unpool_fcn"] = "unpool_fcn"

    @property
    def multiple(self) -> int:
        """A strided convolution and five pools halve six times."""
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
        """Normalized images, both sides multiples of 64, to logits of the same size."""
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
