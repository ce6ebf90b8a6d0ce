"""Atrous spatial pyramid pooling as report xiang-cityscapes builds it.

Paper: Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv
1706.05587 (2017); report xiang-cityscapes, section on ASPP.

Departures: from the paper: 128 channels a branch instead of 256. From the report: BatchNorm and ReLU on the 1×1 branch
too, and none on class scores.
"""

import torch
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Features, Projected
from pixelwise.models.blocks import conv_act_norm

BRANCH = 128
RATES = (6, 12, 18)


class Aspp(nn.Module):
    """Five views of the features, side by side: 1×1, 3×3 at three rates, and the mean of all places.

    A batch of one image cannot train it: BatchNorm over the one value of the mean is undefined.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        classifier: Whether the output is class scores: a plain 1×1 instead of an activated one.
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
        """As large as what it is given."""
        views = [branch(features) for branch in self.branches]
        mean = self.mean(F.adaptive_avg_pool2d(features, 1))
        views.append(F.interpolate(mean, features.shape[-2:], mode="bilinear", align_corners=True))
        joined: Projected = self.join(torch.cat(views, dim=1))
        return joined
