"""Contract of networks: `ModelSpec` builds a network, and `Segmenter` normalizes, pads and crops around it."""

from collections.abc import Iterable
from typing import Annotated, Any, Protocol, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec
from pixelwise.core.types import AuxiliaryLogits, Encoded, Features, Images, Logits

Color = tuple[float, float, float]
Level = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0, le=1)]


class ModelSpec(Spec):
    """Base class of the specs of networks.

    Optional capabilities are declared here: auxiliary heads, pretrained weights, a frozen encoder. A spec that has one
    overrides the property.

    Attributes:
        kind: Name of the architecture; for a user's own, its import path (`my_file.py:MyNet`).
        mean: Mean of each channel (0..1), which is subtracted; None takes that of the training split.
        std: Standard deviation of each channel (0..1), which is divided by; None takes that of the training split.
    """

    kind: str
    mean: tuple[Level, Level, Level] | None = None
    std: tuple[Deviation, Deviation, Deviation] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "ModelSpec":
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together or not at all")
        return self

    @property
    def multiple(self) -> int:
        """Both sides of the network's input are multiples of this."""
        return 1

    @property
    def min_size(self) -> int:
        """Both sides of the network's input are at least this."""
        return self.multiple

    @property
    def auxiliary_weight(self) -> float:
        """Weight of the loss of each auxiliary head. Above 0 the network has `forward_train` (`DeeplySupervised`)."""
        return 0.0

    @property
    def is_pretrained(self) -> bool:
        """Whether training starts from pretrained weights, which `load_pretrained` loads."""
        return False

    @property
    def has_frozen_encoder(self) -> bool:
        """Whether the encoder is frozen. The network then has `encode` and `decode` (`EncodeDecode`)."""
        return False

    def build(self, num_classes: int) -> nn.Module:
        """Builds the network with random weights from torch's global generator.

        It maps normalized images `[B, 3, H, W]` to logits `[B, K, H, W]`, where H and W are multiples of `multiple` and
        at least `min_size`. Larger logits are cropped to the image; smaller ones are an error.

        Args:
            num_classes: K, from the data set's label space.
        """
        del num_classes
        raise InvalidSpec(f"{self.kind} defines no `build(num_classes)`; return a torch.nn.Module.")

    def load_pretrained(self, network: nn.Module) -> None:
        """Loads the weights that training starts from into a new network. Most networks have none.

        Called once, at the start of a run: a resumed run and a predictor have weights of their own.

        Raises:
            InvalidSpec: The weights cannot be downloaded or read, or do not fit.
        """

    def encoder_parameters(self, network: nn.Module) -> Iterable[nn.Parameter]:
        """Parameters of the network's encoder, which `fit.optimizer.encoder_lr` applies to; none by default."""
        del network
        return ()


class EncodeDecode(Protocol):
    """A network whose encoder may be frozen: `forward` is `decode` of `encode`."""

    def encode(self, images: Features) -> Encoded:
        """Returns the features of normalized images. This part may be frozen."""
        ...

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Encoded:
        """Returns the logits of features, at the (H, W) of the images. This part is trained."""
        ...


class DeeplySupervised(Protocol):
    """A network with auxiliary heads."""

    def forward_train(self, images: Features) -> list[AuxiliaryLogits]:
        """Returns the logits of `forward`, followed by those of the auxiliary heads.

        The latter may be smaller than the images by an integer factor; they are computed in training only. They come
        last, so that random layers give the same logits here as in `forward`.
        """
        ...


class Segmenter(nn.Module):
    """A network with normalization, padding and cropping around it.

    The image is normalized and padded with zeros at the right and the bottom to the network's multiple and minimum, and
    the logits are cropped to the image. Mean and standard deviation are buffers, so they are stored with the weights.

    Args:
        network: Network built by a `ModelSpec`.
        spec: The spec that built it.
        mean: Mean of each channel, 0..1.
        std: Standard deviation of each channel, 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, spec: ModelSpec, mean: Color = (0.0, 0.0, 0.0), std: Color = (1.0, 1.0, 1.0)
    ) -> None:
        super().__init__()
        self.network = network
        self.multiple, self.min_size = spec.multiple, spec.min_size
        self.has_auxiliary_heads = spec.auxiliary_weight > 0
        # In gray levels, so that pixels need no division by 255 first.
        self.register_buffer("mean", 255 * torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std).view(3, 1, 1))

    def forward(self, images: Images) -> Logits:
        """Returns logits of the size of the images, for every H, W ≥ 1."""
        height, width = images.shape[-2:]
        logits: Encoded = self.network(self.framed(images))
        return logits[..., :height, :width]

    def forward_train(self, images: Images) -> tuple[Logits, list[AuxiliaryLogits]]:
        """Returns the logits of `forward`, and those of auxiliary heads, if the network has any.

        Auxiliary logits of stride s are cropped to ⌈H/s⌉ × ⌈W/s⌉, the positions that cover a pixel of the images.
        """
        if not self.has_auxiliary_heads:
            return self(images), []
        height, width = images.shape[-2:]
        framed = self.framed(images)
        logits, *auxiliary = cast(DeeplySupervised, self.network).forward_train(framed)
        strides = [(framed.shape[-2] // scores.shape[-2], framed.shape[-1] // scores.shape[-1]) for scores in auxiliary]
        return logits[..., :height, :width], [
            scores[..., : -(-height // down), : -(-width // across)]
            for scores, (down, across) in zip(auxiliary, strides, strict=True)
        ]

    def framed(self, images: Images) -> Encoded:
        """Returns the input of the network: normalized images, padded with zeros."""
        height, width = images.shape[-2:]
        normalized = (images - self.mean) / self.std
        return F.pad(normalized, (0, self._missing(width), 0, self._missing(height)))

    def encode(self, images: Images) -> Encoded:
        """Returns the features of the encoder. Only networks whose encoder may be frozen have `encode`."""
        features: Encoded = cast(EncodeDecode, self.network).encode(self.framed(images))
        return features

    def decode(self, features: Encoded, size: tuple[int, int]) -> Logits:
        """Returns the logits of the features of images, whose (H, W) is `size`; the same as those of `forward`."""
        height, width = size
        padded = height + self._missing(height), width + self._missing(width)
        logits: Encoded = cast(EncodeDecode, self.network).decode(features, padded)
        return logits[..., :height, :width]

    def _missing(self, length: Any) -> Any:
        """Returns the number of pixels to pad a side by; symbolic for a symbolic length, during an export."""
        if self.min_size <= self.multiple:
            return -length % self.multiple
        wanted = torch.sym_max(length, self.min_size)
        return wanted + -wanted % self.multiple - length
