"""SegFormer's head of linear layers, on any encoder of timm.

Paper: Xie, Wang, Yu, Anandkumar, Alvarez, Luo, "SegFormer: Simple and Efficient Design for Semantic Segmentation with
Transformers", NeurIPS 2021.

Departures: the encoder is timm's: the paper's own, MiT, may not be used commercially. A level's projection and its part
of the fusing layer are two linear maps in a row, and so is upsampling: the product of the two is applied before it,
which changes rounding and nothing else, and takes a tenth of the arithmetic on a ResNet-18. No biases in front of
BatchNorm, which would subtract them again.
"""

from typing import Annotated, Literal

from pydantic import Field
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import FeatureMap
from pixelwise.models.blocks import resized
from pixelwise.models.encoder_decoder import Decoder
from pixelwise.models.timm_encoder import LEVELS, TimmSpec

Width = Annotated[int, Field(ge=1)]
DROPOUT = 0.1


class Segformer(TimmSpec):
    """The features of four levels, each projected, upsampled to a quarter of the image's size, and fused.

    Attributes:
        channels: Of each projection and of what they are fused to: 256 in the paper's small networks, 768 in its large.
    """

    kind: Literal["segformer"] = "segformer"
    channels: Width = 256

    def build_decoder(self, channels: tuple[int, ...]) -> "SegformerDecoder":
        """See `TimmSpec.build_decoder`."""
        return SegformerDecoder(channels[-len(LEVELS) :], self.channels)


class SegformerDecoder(Decoder):
    """See `Segformer`.

    Args:
        levels: Channels of the features of the four levels, from fine to deep.
        channels: See `Segformer`.
    """

    def __init__(self, levels: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(level, channels, 1, bias=False) for level in levels)
        self.fuse = nn.ModuleList(nn.Conv2d(channels, channels, 1, bias=False) for _ in levels)
        self.activate = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.Dropout2d(DROPOUT))
        self.channels = channels

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Features from fine to deep to ones at a quarter of the image's size."""
        levels = features[-len(self.project) :]
        views = [_at_once(*each) for each in zip(levels, self.project, self.fuse, strict=True)]
        fused = views[0]
        for view in views[1:]:
            fused = fused + resized(view, fused)
        activated: FeatureMap = self.activate(fused)
        return activated


def _at_once(level: FeatureMap, project: nn.Module, fuse: nn.Module) -> FeatureMap:
    """What the second 1×1 convolution makes of the first one's output, by the product of their weights."""
    weight = fuse.get_parameter("weight").flatten(1) @ project.get_parameter("weight").flatten(1)
    return F.conv2d(level, weight[..., None, None])
