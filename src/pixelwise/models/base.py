"""The contract of a network: a spec that builds it, and the frame that every network runs in."""

from typing import Annotated, Any, Protocol, runtime_checkable

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.core.spec import Spec
from pixelwise.core.types import AuxiliaryLogits, Encoded, Features, Images, Logits

Colour = tuple[float, float, float]
Level = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0, le=1)]


class ModelSpec(Spec):
    """Base of every network's spec.

    Attributes:
        kind: The architecture; for a user's own, its import path (`my_file.py:MyNet`).
        mean: Mean of each channel (0..1) that is subtracted; None takes the training split's own.
        std: Standard deviation of each channel (0..1) that is divided by; None takes the training split's own.
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
        """Both sides of what the network is given are multiples of this."""
        return 1

    @property
    def min_size(self) -> int:
        """Both sides of what the network is given are at least this."""
        return self.multiple

    def build(self, num_classes: int) -> nn.Module:
        """The network, with fresh weights from torch's global generator.

        It maps normalised images `[B, 3, H, W]` to logits `[B, K, H, W]`, where H and W are multiples of `multiple` and
        at least `min_size`. Logits that are larger than that are cropped to the image; smaller ones are an error.

        Args:
            num_classes: K, from the data set's label space.
        """
        raise NotImplementedError

    def load_pretrained(self, network: nn.Module) -> None:
        """Fills a fresh network with the weights that training starts from. Most networks have none.

        Called once, when a run begins: a resumed run and a predictor have weights of their own.

        Raises:
            InvalidSpec: The weights cannot be had, or do not fit.
        """


@runtime_checkable
class TwoHalves(Protocol):
    """A network whose first half may be frozen: `forward` is `decode` of what `encode` gives."""

    def encode(self, images: Features) -> Encoded:
        """The half that may be frozen: normalised images to features."""
        ...

    def decode(self, features: Encoded, size: torch.Size | tuple[int, int]) -> Encoded:
        """The half that learns: features of images of (H, W) to logits of that size."""
        ...


@runtime_checkable
class DeeplySupervised(Protocol):
    """A network that is trained on more than its logits."""

    def forward_train(self, images: Features) -> list[AuxiliaryLogits]:
        """What `forward` gives, first, and then class scores of inner layers.

        Those may be smaller than the images, by an integer; only training computes them. They come last, so that chance
        gives the same logits here as in `forward`.
        """
        ...


class Segmenter(nn.Module):
    """A network in its frame: normalise, pad, run, crop.

    The image is normalised, padded with zeros right and below to the network's multiple and minimum, run, and the
    logits are cropped to the image. The constants are buffers: they travel with the weights, and loading weights brings
    theirs.

    Args:
        network: What a `ModelSpec` built.
        spec: The spec that built it.
        mean: Mean of each channel, 0..1.
        std: Standard deviation of each channel, 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, spec: ModelSpec, mean: Colour = (0.0, 0.0, 0.0), std: Colour = (1.0, 1.0, 1.0)
    ) -> None:
        super().__init__()
        self.network = network
        self.multiple, self.min_size = spec.multiple, spec.min_size
        # In grey levels, so that pixels need no division by 255 first.
        self.register_buffer("mean", 255 * torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std).view(3, 1, 1))

    def forward(self, images: Images) -> Logits:
        """Logits at the images' own size, for every H, W ≥ 1."""
        height, width = images.shape[-2:]
        logits: Encoded = self.network(self.framed(images))
        return logits[..., :height, :width]

    def forward_train(self, images: Images) -> tuple[Logits, list[AuxiliaryLogits]]:
        """The logits that `forward` gives, and those of auxiliary heads, if the network has any.

        An auxiliary map whose stride is s has the ⌈H/s⌉ × ⌈W/s⌉ places that see a pixel of the images.
        """
        if not isinstance(self.network, DeeplySupervised):
            return self(images), []
        height, width = images.shape[-2:]
        framed = self.framed(images)
        logits, *auxiliary = self.network.forward_train(framed)
        strides = [(framed.shape[-2] // scores.shape[-2], framed.shape[-1] // scores.shape[-1]) for scores in auxiliary]
        return logits[..., :height, :width], [
            scores[..., : -(-height // down), : -(-width // across)]
            for scores, (down, across) in zip(auxiliary, strides, strict=True)
        ]

    def framed(self, images: Images) -> Encoded:
        """Images as the network takes them: normalised, padded with zeros."""
        height, width = images.shape[-2:]
        normalised = (images - self.mean) / self.std
        return F.pad(normalised, (0, self._missing(width), 0, self._missing(height)))

    def encode(self, images: Images) -> Encoded:
        """What the network's `encode` gives; only networks whose encoder may be frozen have one."""
        features: Encoded = self._halves().encode(self.framed(images))
        return features

    def decode(self, features: Encoded, size: tuple[int, int]) -> Logits:
        """What `forward` would give for the images of these features, whose (H, W) is `size`."""
        height, width = size
        padded = height + self._missing(height), width + self._missing(width)
        logits: Encoded = self._halves().decode(features, padded)
        return logits[..., :height, :width]

    def _halves(self) -> "TwoHalves":
        """The network as one that may be frozen in part."""
        assert isinstance(self.network, TwoHalves)
        return self.network

    def _missing(self, length: Any) -> Any:
        """How many pixels a side lacks; a symbol of how many, of a symbolic length, while the network is exported."""
        if self.min_size <= self.multiple:
            return -length % self.multiple
        wanted = torch.sym_max(length, self.min_size)
        return wanted + -wanted % self.multiple - length
