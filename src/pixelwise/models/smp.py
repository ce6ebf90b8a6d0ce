"""Networks of the library segmentation-models-pytorch.

Paper: that of each architecture, named in the documentation of the library (versions 0.5 and 0.6, MIT license).

Departures: none in the networks. Encoders whose license forbids commercial use are refused.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from torch import nn

from pixelwise.core.errors import InvalidSpec, did_you_mean
from pixelwise.models.base import Deviation, Level, ModelSpec
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

Architecture = Literal[
    "unet", "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "pan", "upernet",
    "segformer",
]  # fmt: skip


class Smp(ModelSpec):
    """Architecture of segmentation-models-pytorch on one of its encoders, with the defaults of that library.

    Attributes:
        architecture: Name of the architecture.
        encoder: Name of the encoder in the library, such as `resnet34` or `mobilenet_v2`, or `tu-<name>` for a timm
            encoder.
        weights: Initial weights of the encoder; see `Weights`. `pretrained`: the ImageNet weights of the library.
        mean: Mean of each channel; by default that of ImageNet, as the weights expect. None: of the training split.
        std: Standard deviation of each channel; see `mean`.
    """

    kind: Literal["smp"] = "smp"
    architecture: Architecture = "unet"
    encoder: str = "resnet34"
    weights: Weights = PRETRAINED
    mean: tuple[Level, Level, Level] | None = IMAGENET_MEAN
    std: tuple[Deviation, Deviation, Deviation] | None = IMAGENET_STD

    @model_validator(mode="after")
    def _licensed(self) -> "Smp":
        if self.encoder.startswith("mit_"):
            raise ValueError(
                f"the encoder {self.encoder} is not supported: the NVIDIA source code license of its code and weights"
                " forbids commercial use; choose another one, such as resnet34 or tu-convnext_tiny"
            )
        return self

    @property
    def multiple(self) -> int:
        """The encoders halve both sides five times."""
        return 32

    @property
    def is_pretrained(self) -> bool:
        """See `ModelSpec.is_pretrained`."""
        return self.weights is not None

    def encoder_parameters(self, network: nn.Module) -> Iterable[nn.Parameter]:
        """See `ModelSpec.encoder_parameters`."""
        return network.get_submodule("encoder").parameters()

    @property
    def min_size(self) -> int:
        """The deepest features of smaller images are too small for some decoders."""
        return 128 if self.architecture == "pan" else 64

    def build(self, num_classes: int) -> nn.Module:
        """See `ModelSpec.build`.

        Raises:
            InvalidSpec: The library is not installed, has no such encoder, or cannot combine it with the architecture.
        """
        if find_spec("segmentation_models_pytorch") is None:
            raise InvalidSpec("model.kind=smp needs segmentation-models-pytorch: pip install 'pixelwise[smp]'.")
        import segmentation_models_pytorch as smp

        known = smp.encoders.get_encoder_names()
        if self.encoder not in known and not self.encoder.startswith("tu-"):
            raise InvalidSpec(f"smp has no encoder '{self.encoder}'.{did_you_mean(self.encoder, known)}")
        try:
            network: nn.Module = smp.create_model(self.architecture, self.encoder, None, classes=num_classes)
        except (RuntimeError, ValueError, KeyError) as e:  # messages of timm and of the library
            raise InvalidSpec(f"smp cannot combine {self.architecture} with {self.encoder}: {e}") from None
        return network

    def load_pretrained(self, network: nn.Module) -> None:
        """See `ModelSpec.load_pretrained`."""
        encoder = network.get_submodule("encoder")
        if self.weights is None:
            return
        if self.weights != PRETRAINED:
            state = read_weights(Path(self.weights))
            fill(encoder, state, self.weights, f"smp's {self.encoder}", without=("fc.", "classifier.", "head."))
            return
        encoder.load_state_dict(self._published().state_dict())

    def _published(self) -> nn.Module:
        """Returns the encoder with weights that the library downloads."""
        import segmentation_models_pytorch as smp

        if self.encoder.startswith("tu-"):
            check_license(self.encoder.removeprefix("tu-"))
        try:
            pretrained = True if self.encoder.startswith("tu-") else "imagenet"
            encoder: nn.Module = smp.encoders.get_encoder(self.encoder, weights=pretrained)
        except Exception as e:  # no network, no such weights, a damaged download: errors of three libraries
            raise InvalidSpec(f"smp's weights of {self.encoder} cannot be downloaded ({e}): {ADVICE}.") from None
        return encoder
