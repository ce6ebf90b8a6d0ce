"""Atrous spatial pyramid pooling (ASPP) of report xiang-cityscapes.

Paper: Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv
1706.05587 (2017); report xiang-cityscapes, section on ASPP.

Departures: from the paper: 128 channels per branch instead of 256. From the report: BatchNorm and ReLU on the 1×1
branch too, and none on class scores.
"""

import torch
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Features, Projected
from pixelwise.models.blocks import conv_act_norm

BRANCH = 128
RATES = (6, 12, 18)


class Aspp(nn.Module):
    """ASPP: five parallel branches, a 1×1 convolution, 3×3 convolutions at three rates, and the mean of the image.

    Training needs at least two images per batch: BatchNorm over the single value of the mean is undefined.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        classifier: Whether the output is class scores, without normalization and activation.
    """

    def __init__(self, channels_in: int, channels_out: int, *, classifier: bool = False) -> None:
        super().__init__()
        kernels = [nn.Conv2d(channels_in, BRANCH, 1)]
        kernels += [nn.Conv2d(channels_in, BRANCH, 3, padding=rate, dilation=rate) for rate in RATES]
        self.branches = nn.ModuleList(conv_act_norm(kernel, norm_first=True) for kernel in kernels)
        self.mean = conv_act_norm(nn.Conv2d(channels_in, BRANCH, 1), norm_first=True)
        joined = nn.Conv2d(BRANCH * (len(kernels) + 1), channels_out, 1)
        self.join = joined if classifier else conv_act_norm(joined, norm_first=True)

    def forward(self, features: Features) -> Projected:
        """Returns a map of the same size."""
        outputs = [branch(features) for branch in self.branches]
        mean = self.mean(F.adaptive_avg_pool2d(features, 1))
        outputs.append(F.interpolate(mean, features.shape[-2:], mode="bilinear", align_corners=True))
        joined: Projected = self.join(torch.cat(outputs, dim=1))
        return joined
