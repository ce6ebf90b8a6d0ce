"""DeepLabV3 on ResNet-101, as in torchvision.

Paper: Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv
1706.05587 (2017). The network and its COCO weights (classes of VOC) are those of torchvision. Report ai-idd trains its
head.

Departures: from torchvision: no auxiliary classifier, as in the report.
"""

from typing import Literal

import torch
from pydantic import model_validator
from torch import nn
from torch.nn import functional as F

from pixelwise.core.types import Encoded, Features, Logits
from pixelwise.models.base import Deviation, Level, ModelSpec
from pixelwise.models.blocks import Freezable, xavier_init
from pixelwise.models.pretrained import IMAGENET_MEAN, IMAGENET_STD, PRETRAINED, Weights, load_pretrained

LAST = "classifier.4."
"""Prefix of the parameter names of the last layer of the head."""


class DeeplabV3(ModelSpec):
    """DeepLabV3 on ResNet-101, as in torchvision (Chen 2017).

    The encoder is dilated to an eighth of the image size. The ASPP head has 256 channels.

    Attributes:
        weights: Initial weights; see `Weights`. `pretrained`: those of torchvision, trained on COCO with VOC classes.
        frozen: Whether everything except the head is frozen.
        new_last: Whether the last layer of the head is new; false keeps the 21 classes of the weights, in VOC order.
        mean: Mean of each channel; by default that of ImageNet, as the weights expect. None: of the training split.
        std: Standard deviation of each channel; see `mean`.
    """

    kind: Literal["deeplabv3"] = "deeplabv3"
    weights: Weights = PRETRAINED
    frozen: bool = False
    new_last: bool = True
    mean: tuple[Level, Level, Level] | None = IMAGENET_MEAN
    std: tuple[Deviation, Deviation, Deviation] | None = IMAGENET_STD

    @model_validator(mode="after")
    def _frozen_is_pretrained(self) -> "DeeplabV3":
        if self.weights is None and (self.frozen or not self.new_last):
            raise ValueError(
                "a frozen encoder or a kept last layer without pretrained weights is random: set model.frozen=false and"
                " model.new_last=true as well"
            )
        return self

    @property
    def min_size(self) -> int:
        """Smallest size in the contract of networks."""
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
        from torchvision.models.segmentation import DeepLabV3_ResNet101_Weights

        url = DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.url
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
        from torchvision.models.segmentation import deeplabv3_resnet101  # here, because its import is slow

        network = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=False)
        self.backbone = Freezable(network.backbone, frozen)
        self.classifier = network.classifier
        xavier_init(self)

    def forward(self, images: Features) -> Logits:
        """Returns the logits of normalized images, of the same size."""
        return self.decode(self.encode(images), images.shape[-2:])

    def encode(self, images: Features) -> Encoded:
        """See `EncodeDecode.encode`."""
        features: Encoded = self.backbone(images)["out"]
        return features

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Logits:
        """See `EncodeDecode.decode`."""
        return F.interpolate(self.classifier(features), list(size), mode="bilinear", align_corners=False)
