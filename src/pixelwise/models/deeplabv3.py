"""Torchvision's DeepLabV3 on ResNet-101.

Paper: Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv
1706.05587 (2017); the network and its COCO weights (VOC's classes) are torchvision's; report ai-idd trains its head.

Departures: from torchvision: no auxiliary classifier, as in the report.
"""

from typing import Literal

import torch
import torchvision
from pydantic import model_validator
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Encoded, Features, Logits
from pixelwise.models.base import Deviation, Level, ModelSpec
from pixelwise.models.blocks import Freezable, xavier_init
from pixelwise.models.pretrained import IMAGENET_MEAN, IMAGENET_STD, PRETRAINED, Weights, load_pretrained

LAST = "classifier.4."
"""How the names of the head's last layer begin."""


class DeeplabV3(ModelSpec):
    """A ResNet-101 dilated to an eighth of the image's size, and torchvision's ASPP head of 256 channels.

    Attributes:
        weights: What it starts from; see `Weights`. `pretrained` are torchvision's, trained on COCO with VOC's classes.
        frozen: Whether all but the head stays as it is.
        new_last: Whether the head's last layer is fresh; false keeps the weights' own 21 classes, in VOC's order.
        mean: ImageNet's, which the weights expect; None takes the training split's own.
        std: See `mean`.
    """

    kind: Literal["deeplabv3"] = "deeplabv3"
    weights: Weights = PRETRAINED
    frozen: bool = False
    new_last: bool = True
    mean: tuple[Level, Level, Level] | None = IMAGENET_MEAN
    std: tuple[Deviation, Deviation, Deviation] | None = IMAGENET_STD

    @model_validator(mode="after")
    def _frozen_knows_something(self) -> "DeeplabV3":
        if self.weights is None and (self.frozen or not self.new_last):
            raise ValueError(
                "without pretrained weights nothing is worth keeping: set model.frozen=false and model.new_last=true"
                " as well"
            )
        return self

    @property
    def min_size(self) -> int:
        """Minimum of the contract."""
        return 32

    @property
    def is_pretrained(self) -> bool:
        """See `ModelSpec.is_pretrained`."""
        return self.weights is not None

    @property
    def has_frozen_encoder(self) -> bool:
        """See `ModelSpec.has_frozen_encoder`."""
        return self.frozen

    def build(self, num_classes: int) -> "DeeplabV3Network":
        """See `ModelSpec.build`."""
        return DeeplabV3Network(num_classes, self.frozen)

    def load_pretrained(self, network: nn.Module) -> None:
        """See `ModelSpec.load_pretrained`."""
        if self.weights is None:
            return
        url = torchvision.models.segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.url
        without = ("aux_classifier.", LAST) if self.new_last else ("aux_classifier.",)
        published = nn.ModuleDict({"backbone": network.get_submodule("backbone.layers")})
        published["classifier"] = network.get_submodule("classifier")
        load_pretrained(published, self.weights, "deeplabv3_resnet101", url, without)


class DeeplabV3Network(nn.Module):
    """See `DeeplabV3`.

    Args:
        num_classes: K.
        frozen: See `DeeplabV3`.
    """

    def __init__(self, num_classes: int, frozen: bool) -> None:
        super().__init__()
        whole = torchvision.models.segmentation.deeplabv3_resnet101(
            weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=False
        )
        self.backbone = Freezable(whole.backbone, frozen)
        self.classifier = whole.classifier
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Normalized images to logits of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """The part that may be frozen."""
        features: Encoded = self.backbone(images)["out"]
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """The part that learns."""
        return F.interpolate(self.classifier(features), list(size), mode="bilinear", align_corners=False)
