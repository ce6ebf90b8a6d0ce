"""Networks of timm as encoders: feature maps from fine to deep, and pretrained weights.

Paper: that of each encoder, named in timm's documentation (Wightman, "PyTorch Image Models", Apache-2.0 license).

Departures: none in the networks. Weights whose license forbids commercial use are refused, and so are networks with a
fixed image size.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from pixelwise.core.errors import InvalidSpec, did_you_mean
from pixelwise.core.types import FeatureMap, Features
from pixelwise.models.base import Deviation, Level, ModelSpec
from pixelwise.models.encoder_decoder import Decoder, EncoderDecoder
from pixelwise.models.pretrained import (
    ADVICE,
    IMAGENET_MEAN,
    IMAGENET_STD,
    PRETRAINED,
    Weights,
    check_license,
    fill,
    read_weights,
)

LEVELS = (4, 8, 16, 32)
"""Strides of the feature maps that every encoder has. Feature maps of stride 2 are used if the encoder has them."""

TORCHVISION = {"mobilenetv2_100": "mobilenet_v2"}
"""Name in timm -> name in torchvision, for networks of both libraries whose layers have different names."""


class TimmSpec(ModelSpec):
    """Base class of the specs of networks on a timm encoder that has a pyramid of feature maps.

    Attributes:
        encoder: Name of the encoder in timm, such as `resnet18` or `convnext_tiny`; `<name>.<tag>` selects its weights.
        weights: Initial weights of the encoder; see `Weights`. `pretrained`: the weights of timm. The names in a file
            are those of timm, or of the same network in torchvision.
        aux_loss_weight: Weight of the loss of an auxiliary head on the features at a sixteenth of the image size, in
            training only. 0.4 is common (PSPNet); 0 builds no head.
        mean: Mean of each channel; by default that of ImageNet, as most weights expect. None: of the training split.
        std: Standard deviation of each channel; see `mean`.
    """

    encoder: str = "resnet18"
    weights: Weights = PRETRAINED
    aux_loss_weight: Annotated[float, Field(ge=0)] = 0
    mean: tuple[Level, Level, Level] | None = IMAGENET_MEAN
    std: tuple[Deviation, Deviation, Deviation] | None = IMAGENET_STD

    @property
    def multiple(self) -> int:
        """The stride of the deepest features."""
        return self.output_stride

    @property
    def min_size(self) -> int:
        """Smallest size in the contract of networks."""
        return 32

    @property
    def auxiliary_weight(self) -> float:
        """See `ModelSpec.auxiliary_weight`."""
        return self.aux_loss_weight

    @property
    def is_pretrained(self) -> bool:
        """See `ModelSpec.is_pretrained`."""
        return self.weights is not None

    def encoder_parameters(self, network: nn.Module) -> Iterable[nn.Parameter]:
        """See `ModelSpec.encoder_parameters`."""
        return network.get_submodule("encoder").parameters()

    @property
    def output_stride(self) -> int:
        """Stride of the deepest features."""
        return LEVELS[-1]

    def build(self, num_classes: int) -> EncoderDecoder:
        """See `ModelSpec.build`.

        Raises:
            InvalidSpec: Timm has no such encoder, or it has no pyramid of feature maps.
        """
        encoder = self._encoder()
        decoder = self.build_decoder(encoder.channels)
        return EncoderDecoder(encoder, encoder.channels, decoder, num_classes, auxiliary=self.aux_loss_weight > 0)

    def build_decoder(self, channels: tuple[int, ...]) -> Decoder:
        """Builds the decoder.

        Args:
            channels: Channels of the feature maps, from fine to deep. The last four are those at `LEVELS`.
        """
        raise NotImplementedError

    def load_pretrained(self, network: nn.Module) -> None:
        """See `ModelSpec.load_pretrained`."""
        layers = network.get_submodule("encoder.layers")
        if self.weights == PRETRAINED:
            layers.load_state_dict(self._pretrained_encoder().state_dict())
        elif self.weights is not None:
            state = rename_weights(read_weights(Path(self.weights)), layers, self.encoder)
            fill(layers, state, self.weights, f"timm's {self.encoder}")

    def _encoder(self) -> "Pyramid":
        """Builds the encoder with random weights."""
        if getattr(self._published(), "fixed_input_size", False):
            raise InvalidSpec(
                f"timm's {self.encoder} has a fixed image size; choose another encoder, such as resnet18 or"
                " convnext_tiny."
            )
        try:
            layers = self._create(pretrained=False)
        except Exception as e:  # timm raises many types of errors for unsupported options
            raise InvalidSpec(f"{self._refusal()} ({_reason(e)}).") from None
        reductions = layers.feature_info.reduction()
        if reductions[-1] != self.output_stride or not {*LEVELS[:-1]} <= {*reductions[:-1]}:
            levels = ", ".join(f"1/{reduction}" for reduction in reductions)
            raise InvalidSpec(f"{self._refusal()} (its features are at {levels}).")
        wanted = (2, *LEVELS[:-1]) if 2 in reductions else LEVELS[:-1]
        return Pyramid(layers, (*map(reductions.index, wanted), len(reductions) - 1))

    def _refusal(self) -> str:
        if self.output_stride == LEVELS[-1]:
            levels = ", ".join(f"1/{level}" for level in LEVELS)
            return (
                f"timm's {self.encoder} has no features at {levels} of the image size; choose another encoder, such as"
                " resnet18 or convnext_tiny"
            )
        return (
            f"timm's {self.encoder} cannot be dilated to 1/{self.output_stride} of the image size, which {self.kind}"
            " needs; choose another encoder, such as resnet18, or another network, such as segformer"
        )

    def _create(self, *, pretrained: bool) -> Any:
        import timm  # here, because its import is slow

        # Some encoders have stride 32 and no such option.
        dilated: dict[str, Any] = {} if self.output_stride == LEVELS[-1] else {"output_stride": self.output_stride}
        return timm.create_model(self.encoder, pretrained=pretrained, features_only=True, **dilated)

    def _published(self) -> Any:
        """Returns timm's configuration of the encoder and its weights.

        Raises:
            InvalidSpec: Timm has no such encoder, or no such weights of it.
        """
        import timm

        architecture, _, tag = self.encoder.partition(".")
        known = timm.list_models()
        if architecture not in known:
            raise InvalidSpec(f"timm has no encoder '{self.encoder}'.{did_you_mean(self.encoder, known)}")
        if tag and self.encoder not in (tagged := timm.list_models(architecture, include_tags=True)):
            raise InvalidSpec(f"timm has no weights '{self.encoder}'.{did_you_mean(self.encoder, tagged)}")
        return timm.get_pretrained_cfg(self.encoder)

    def _pretrained_encoder(self) -> nn.Module:
        """Returns the encoder with the weights of timm.

        Raises:
            InvalidSpec: The license forbids commercial use, the weights expect another mean and standard deviation, or
                they cannot be downloaded.
        """
        published = self._published()
        check_license(self.encoder)
        if self.mean is not None and (self.mean, self.std) != (tuple(published.mean), tuple(published.std)):
            mean, std = (",".join(map(str, constants)) for constants in (published.mean, published.std))
            raise InvalidSpec(
                f"timm's weights of {self.encoder} expect another mean and standard deviation:"
                f" --set model.mean=[{mean}] --set model.std=[{std}]."
            )
        try:
            encoder: nn.Module = self._create(pretrained=True)
        except Exception as e:  # no network, no such weights, a damaged download: errors of three libraries
            raise InvalidSpec(
                f"timm's weights of {self.encoder} cannot be downloaded ({_reason(e)}): {ADVICE}."
            ) from None
        return encoder


class Pyramid(nn.Module):
    """Encoder of timm that returns feature maps from fine to deep. The last four are those at `LEVELS`.

    Args:
        layers: Network of timm, built with `features_only=True`.
        indices: Indices of the returned feature maps, from fine to deep.

    Attributes:
        channels: Channels of each feature map.
    """

    def __init__(self, layers: Any, indices: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = layers
        self.indices = indices
        channels: list[int] = layers.feature_info.channels()
        self.channels = tuple(channels[index] for index in indices)
        self.channels_last = str(getattr(layers, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, images: Features) -> list[FeatureMap]:
        """Returns the feature maps of normalized images."""
        features = self.layers(images)
        selected = [features[index] for index in self.indices]
        return [feature.permute(0, 3, 1, 2) for feature in selected] if self.channels_last else selected


def rename_weights(state: Mapping[str, Tensor], layers: nn.Module, encoder: str) -> dict[str, Tensor]:
    """Renames published weights to the names of a timm network built with `features_only=True`.

    For a network of both libraries with different names, the n-th tensor of torchvision is the n-th of timm: both list
    their layers in the order of computation. Timm's feature networks have `stages_0` for `stages.0`, so underscores are
    treated as dots. Tensors of timm's complete network that the feature network lacks (a classifier) are removed. Other
    names are kept, so that loading refuses them.

    Args:
        state: Weights with the names of timm or torchvision.
        layers: Network that the weights are loaded into.
        encoder: Name of the encoder in timm.
    """
    import timm
    import torchvision

    architecture = encoder.partition(".")[0]
    with torch.device("meta"):
        complete = list(timm.create_model(architecture).state_dict())
        name = TORCHVISION.get(architecture)
        published = torchvision.models.get_model(name, weights=None).state_dict() if name else {}
    timm_names = dict(zip(published, complete, strict=True)) if published else {}
    own, known = {_dotted(name): name for name in layers.state_dict()}, set(map(_dotted, complete))
    result = {}
    for key, tensor in state.items():
        dotted = _dotted(timm_names.get(key, key))
        if dotted in own or dotted not in known:
            result[own.get(dotted, key)] = tensor
    return result


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _dotted(name: str) -> str:
    return name.removeprefix("model.").removeprefix("body.").replace("_", ".")
