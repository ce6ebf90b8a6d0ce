"""Classification networks of torchvision as encoders, up to the last feature map.

Papers: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; Sandler, Howard, Zhu, Zhmoginov,
Chen, "MobileNetV2", CVPR 2018; Simonyan, Zisserman, "Very Deep Convolutional Networks", ICLR 2015.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import model_validator
from torch import nn

from pixelwise.models.base import Deviation, Level, ModelSpec
from pixelwise.models.blocks import Freezable
from pixelwise.models.pretrained import IMAGENET_MEAN, IMAGENET_STD, PRETRAINED, Weights, load_pretrained

EncoderName = Literal["resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2", "vgg16"]

CHANNELS: dict[str, int] = {
    "resnet18": 512, "resnet34": 512, "resnet50": 2048, "resnet101": 2048, "mobilenet_v2": 1280, "vgg16": 512,
}  # fmt: skip
"""Channels of the last feature map, at 1/32 of the image size."""

HEADS = ("avgpool", "fc", "classifier")


class EncoderSpec(ModelSpec):
    """Base class of the specs of networks on a torchvision encoder.

    Attributes:
        encoder: Name of the encoder.
        weights: Initial weights of the encoder; see `Weights`. `pretrained`: torchvision's ImageNet weights, version 1.
        frozen: Whether the encoder is frozen: no gradient, BatchNorm statistics kept.
        mean: Mean of each channel; by default that of ImageNet, as the weights expect. None: of the training split.
        std: Standard deviation of each channel; see `mean`.
    """

    encoder: EncoderName
    weights: Weights = PRETRAINED
    frozen: bool = False
    mean: tuple[Level, Level, Level] | None = IMAGENET_MEAN
    std: tuple[Deviation, Deviation, Deviation] | None = IMAGENET_STD

    @property
    def multiple(self) -> int:
        """The encoder halves both sides five times."""
        return 32

    @property
    def is_pretrained(self) -> bool:
        """See `ModelSpec.is_pretrained`."""
        return self.weights is not None

    @property
    def has_frozen_encoder(self) -> bool:
        """See `ModelSpec.has_frozen_encoder`."""
        return self.frozen

    def encoder_parameters(self, network: nn.Module) -> Iterable[nn.Parameter]:
        """See `ModelSpec.encoder_parameters`."""
        return network.get_submodule("encoder").parameters()

    @model_validator(mode="after")
    def _frozen_is_pretrained(self) -> "EncoderSpec":
        if self.frozen and self.weights is None:
            raise ValueError("a frozen encoder without pretrained weights is random: set model.frozen=false as well")
        return self

    def build_encoder(self) -> Freezable:
        """Builds the encoder with random weights. Its layers have the names of torchvision."""
        import torchvision  # here, because its import is slow

        layers = nn.Sequential()
        for name, layer in torchvision.models.get_model(self.encoder, weights=None).named_children():
            if name not in HEADS:
                layers.add_module(name, layer)
        return Freezable(layers, self.frozen)

    def load_pretrained(self, network: nn.Module) -> None:
        """See `ModelSpec.load_pretrained`. `network.encoder` is the result of `build_encoder`."""
        if self.weights is not None:
            import torchvision

            part = network.get_submodule("encoder.layers")
            url = torchvision.models.get_model_weights(self.encoder)["IMAGENET1K_V1"].url
            load_pretrained(part, self.weights, self.encoder, url, without=HEADS)
