"""SegFormer head of linear layers on a timm encoder.

Paper: Xie, Wang, Yu, Anandkumar, Alvarez, Luo, "SegFormer: Simple and Efficient Design for Semantic Segmentation with
Transformers", NeurIPS 2021.

Departures: a timm encoder instead of MiT, whose license forbids commercial use. The projection of a level, upsampling
and the fusing layer are linear: the product of both layers is applied before upsampling. This changes only the rounding
and takes a tenth of the operations on a ResNet-18. No biases before BatchNorm, which would cancel them.
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
    """SegFormer head of linear layers on a timm encoder (Xie 2021).

    The features of four levels are projected, upsampled to a quarter of the image size, and fused.

    Attributes:
        channels: Channels of the projections and of the output: 256 in the small networks of the paper, 768 in the
            large ones.
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
        """Returns features at a quarter of the image size."""
        levels = features[-len(self.project) :]
        projected = [_project_and_fuse(*each) for each in zip(levels, self.project, self.fuse, strict=True)]
        fused = projected[0]
        for level in projected[1:]:
            fused = fused + resized(level, fused)
        activated: FeatureMap = self.activate(fused)
        return activated


def _project_and_fuse(level: FeatureMap, project: nn.Module, fuse: nn.Module) -> FeatureMap:
    """Applies two 1×1 convolutions as one, by the product of their weights."""
    weight = fuse.get_parameter("weight").flatten(1) @ project.get_parameter("weight").flatten(1)
    return F.conv2d(level, weight[..., None, None])
