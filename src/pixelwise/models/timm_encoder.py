"""Timm's networks as encoders: feature maps from fine to deep, and the weights that they start from.

Paper: each encoder's own, named in timm's documentation (Wightman, "PyTorch Image Models", Apache-2.0 license).

Departures: none in the networks. Weights whose license forbids commercial use are refused, and so are networks that
take images of one size only.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import torchvision
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
"""Every encoder has features at these fractions of the image's size; those at a half are taken where there are any."""

TORCHVISION = {"mobilenetv2_100": "mobilenet_v2"}
"""Timm's name -> torchvision's, where both have the same network and name its layers differently."""


class TimmSpec(ModelSpec):
    """Base of the networks that put a decoder on any encoder of timm that gives a pyramid of features.

    Attributes:
        encoder: By timm's name, `resnet18` or `convnext_tiny` for two; `<name>.<tag>` says which of its weights.
        weights: What the encoder starts from; see `Weights`. `pretrained` are timm's own. A file holds them named as
            timm does, or as torchvision names the same network's.
        aux: Weight of the loss of an auxiliary head on the features at a sixteenth, which only training has; 0.4 is
            usual (PSPNet), 0 builds none.
        mean: ImageNet's, which most of the weights expect; None takes the training split's own.
        std: See `mean`.
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
        """Minimum of the contract."""
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
        """The fraction of the image's size that the deepest features are at."""
        return LEVELS[-1]

    def build(self, num_classes: int) -> EncoderDecoder:
        """See `ModelSpec.build`.

        Raises:
            InvalidSpec: Timm has no such encoder, or it gives no pyramid of features.
        """
        encoder = self._encoder()
        decoder = self.build_decoder(encoder.channels)
        return EncoderDecoder(encoder, encoder.channels, decoder, num_classes, auxiliary=self.aux_loss_weight > 0)

    def build_decoder(self, channels: tuple[int, ...]) -> Decoder:
        """The decoder for features of so many channels, from fine to deep; the last four are those at `LEVELS`."""
        raise NotImplementedError

    def load_pretrained(self, network: nn.Module) -> None:
        """See `ModelSpec.load_pretrained`."""
        layers = network.get_submodule("encoder.layers")
        if self.weights == PRETRAINED:
            layers.load_state_dict(self._downloaded().state_dict())
        elif self.weights is not None:
            state = renamed(read_weights(Path(self.weights)), layers, self.encoder)
            fill(layers, state, self.weights, f"timm's {self.encoder}")

    def _encoder(self) -> "Pyramid":
        """The encoder with fresh weights."""
        if getattr(self._published(), "fixed_input_size", False):
            raise InvalidSpec(
                f"timm's {self.encoder} takes images of one size only; choose another encoder, such as resnet18 or"
                " convnext_tiny."
            )
        try:
            layers = self._create(pretrained=False)
        except Exception as e:  # timm's own words, and errors of every type, for what a network cannot do
            raise InvalidSpec(f"{self._refusal()} ({_reason(e)}).") from None
        reductions = layers.feature_info.reduction()
        if reductions[-1] != self.output_stride or not {*LEVELS[:-1]} <= {*reductions[:-1]}:
            found = ", ".join(f"1/{reduction}" for reduction in reductions)
            raise InvalidSpec(f"{self._refusal()} (its features are at {found}).")
        wanted = (2, *LEVELS[:-1]) if 2 in reductions else LEVELS[:-1]
        return Pyramid(layers, (*map(reductions.index, wanted), len(reductions) - 1))

    def _refusal(self) -> str:
        if self.output_stride == LEVELS[-1]:
            levels = ", ".join(f"1/{level}" for level in LEVELS)
            return (
                f"timm's {self.encoder} does not give features at {levels} of the image's size; choose another encoder,"
                " such as resnet18 or convnext_tiny"
            )
        return (
            f"timm's {self.encoder} cannot be dilated to 1/{self.output_stride} of the image's size, which {self.kind}"
            " needs; choose another encoder, such as resnet18, or another network, such as segformer"
        )

    def _create(self, *, pretrained: bool) -> Any:
        import timm

        # Some encoders halve five times and know no such option.
        dilated: dict[str, Any] = {} if self.output_stride == LEVELS[-1] else {"output_stride": self.output_stride}
        return timm.create_model(self.encoder, pretrained=pretrained, features_only=True, **dilated)

    def _published(self) -> Any:
        """What timm says of the encoder and of its weights.

        Raises:
            InvalidSpec: Timm knows neither.
        """
        import timm

        architecture, _, tag = self.encoder.partition(".")
        known = timm.list_models()
        if architecture not in known:
            raise InvalidSpec(f"timm has no encoder '{self.encoder}'.{did_you_mean(self.encoder, known)}")
        if tag and self.encoder not in (tagged := timm.list_models(architecture, include_tags=True)):
            raise InvalidSpec(f"timm has no weights '{self.encoder}'.{did_you_mean(self.encoder, tagged)}")
        return timm.get_pretrained_cfg(self.encoder)

    def _downloaded(self) -> nn.Module:
        """The encoder with timm's own weights.

        Raises:
            InvalidSpec: Their license forbids commercial use, they expect other constants, or they cannot be had.
        """
        published = self._published()
        check_license(self.encoder)
        if self.mean is not None and (self.mean, self.std) != (tuple(published.mean), tuple(published.std)):
            mean, std = (",".join(map(str, constants)) for constants in (published.mean, published.std))
            raise InvalidSpec(
                f"timm's weights of {self.encoder} expect other constants: --set model.mean=[{mean}]"
                f" --set model.std=[{std}]."
            )
        try:
            encoder: nn.Module = self._create(pretrained=True)
        except Exception as e:  # no network, no such weights, a damaged download: in the words of three libraries
            raise InvalidSpec(f"timm's weights of {self.encoder} cannot be had ({_reason(e)}): {ADVICE}.") from None
        return encoder


class Pyramid(nn.Module):
    """An encoder of timm: images to features from fine to deep, the last four those at `LEVELS`.

    Args:
        layers: What timm builds with `features_only=True`.
        indices: Which of its features are given, from fine to deep.

    Attributes:
        channels: Of each of the features.
    """

    def __init__(self, layers: Any, indices: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = layers
        self.indices = indices
        channels: list[int] = layers.feature_info.channels()
        self.channels = tuple(channels[index] for index in indices)
        self.channels_last = str(getattr(layers, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, images: Features) -> list[FeatureMap]:
        """Normalized images to their features."""
        features = self.layers(images)
        taken = [features[index] for index in self.indices]
        return [feature.permute(0, 3, 1, 2) for feature in taken] if self.channels_last else taken


def renamed(state: Mapping[str, Tensor], layers: nn.Module, encoder: str) -> dict[str, Tensor]:
    """Published weights under the names that timm's layers have once only features are asked of them.

    Where torchvision has the same network under other names, its n-th tensor is timm's n-th: both list their layers in
    the order in which they compute. Timm then writes `stages_0` for `stages.0`, so an underscore counts as a dot. What
    timm's whole network has beyond the features (a classifier, of whatever size) is left out, and any other name is
    kept, so that it is found not to fit.

    Args:
        state: Weights as timm or torchvision names them.
        layers: What they are for.
        encoder: Timm's name of it.
    """
    import timm

    architecture = encoder.partition(".")[0]
    with torch.device("meta"):
        whole = list(timm.create_model(architecture).state_dict())
        theirs = architecture in TORCHVISION and torchvision.models.get_model(TORCHVISION[architecture], weights=None)
    same = dict(zip(theirs.state_dict(), whole, strict=True)) if theirs else {}
    own, beyond = {_dotted(name): name for name in layers.state_dict()}, set(map(_dotted, whole))
    found = {}
    for name, tensor in state.items():
        dotted = _dotted(same.get(name, name))
        if dotted in own or dotted not in beyond:
            found[own.get(dotted, name)] = tensor
    return found


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _dotted(name: str) -> str:
    return name.removeprefix("model.").removeprefix("body.").replace("_", ".")
