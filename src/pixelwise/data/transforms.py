"""Augmentation of an image and its labels, alike.

Images are interpolated bilinearly (with antialiasing when they shrink), labels take the nearest pixel. Where the image
leaves the frame it is black and its labels are IGNORE.
"""

import math
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, model_validator
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.spec import Spec
from pixelwise.core.types import Image, ImageLabels, SizedImage, SizedLabels

Size = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
"""(height, width) in pixels."""
Chance = Annotated[float, Field(ge=0, le=1)]


class Augment(Spec):
    """What happens to a training image and its labels, in this order.

    Attributes:
        rescale: Range of the factor on both sides, drawn uniformly.
        rotate: Angle in degrees, drawn uniformly in ±rotate; the frame keeps its size.
        crop: (H, W) cut out at a random place; a smaller image is first extended right and below.
        hflip: Probability of a left-right flip.
        vflip: Probability of an upside-down flip.
        color_jitter: Maximum relative change of brightness, contrast and saturation, each drawn uniformly.
        keep_plain: Whether an epoch has each image twice, once as it is and once augmented (report ai-idd).
    """

    rescale: tuple[float, float] | None = None
    rotate: Annotated[float, Field(ge=0, le=180)] = 0
    crop: Size | None = None
    hflip: Chance = 0
    vflip: Chance = 0
    color_jitter: Annotated[float, Field(ge=0, lt=1)] = 0
    keep_plain: bool = False

    @model_validator(mode="after")
    def _range(self) -> "Augment":
        if self.rescale and not 0 < self.rescale[0] <= self.rescale[1] < math.inf:
            raise ValueError("rescale is a range of factors (low, high) with 0 < low <= high")
        return self


def resize(image: Image, labels: ImageLabels, size: Size) -> tuple[SizedImage, SizedLabels]:
    """Brings both to (H, W). Labels take the pixel whose center is nearest, so they keep aligned with the image."""
    if image.shape[1:] == size:
        return image, labels
    nearest = F.resize(labels[None], list(size), InterpolationMode.NEAREST_EXACT)[0]
    return resize_image(image, size), nearest


def resize_image(image: Image, size: Size) -> SizedImage:
    """Brings an image to (H, W), bilinear with antialiasing."""
    if image.shape[1:] == size:
        return image
    resized: SizedImage = F.resize(image, list(size), InterpolationMode.BILINEAR, antialias=True)
    return resized


def augment(
    image: Image, labels: ImageLabels, how: Augment, rng: np.random.Generator
) -> tuple[SizedImage, SizedLabels]:
    """One augmented view.

    Args:
        image: RGB, uint8 `[3, H, W]`.
        labels: Class ids `[H, W]`.
        how: What to do.
        rng: The sample's own generator; it is the only source of chance.
    """
    if how.rescale:
        factor = rng.uniform(*how.rescale)
        height, width = image.shape[1:]
        image, labels = resize(image, labels, (max(1, round(height * factor)), max(1, round(width * factor))))
    if how.rotate:
        image, labels = _rotate(image, labels, rng.uniform(-how.rotate, how.rotate))
    if how.crop:
        image, labels = _crop(image, labels, how.crop, rng)
    if how.hflip and rng.random() < how.hflip:
        image, labels = image.flip(2), labels.flip(1)
    if how.vflip and rng.random() < how.vflip:
        image, labels = image.flip(1), labels.flip(0)
    if how.color_jitter:
        image = _jitter(image, how.color_jitter, rng)
    return image, labels


def _rotate(image: Image, labels: ImageLabels, angle: float) -> tuple[Image, ImageLabels]:
    """Turns both about the center of the frame, counter-clockwise by `angle` degrees."""
    turned = F.rotate(labels[None], angle, InterpolationMode.NEAREST, fill=[IGNORE])[0]
    return F.rotate(image, angle, InterpolationMode.BILINEAR, fill=[0]), turned


def _crop(image: Image, labels: ImageLabels, size: Size, rng: np.random.Generator) -> tuple[SizedImage, SizedLabels]:
    """Cuts out (H, W) at a random place."""
    below, right = (max(0, want - have) for want, have in zip(size, labels.shape, strict=True))
    if below or right:
        image = torch.nn.functional.pad(image, (0, right, 0, below))
        labels = torch.nn.functional.pad(labels, (0, right, 0, below), value=IGNORE)
    top, left = (int(rng.integers(have - want + 1)) for want, have in zip(size, labels.shape, strict=True))
    area = slice(top, top + size[0]), slice(left, left + size[1])
    return image[:, *area], labels[area]


def _jitter(image: SizedImage, amount: float, rng: np.random.Generator) -> SizedImage:
    """Other light and other colors, in one order always."""
    brightness, contrast, saturation = (rng.uniform(1 - amount, 1 + amount) for _ in range(3))
    image = F.adjust_brightness(image, brightness)
    image = F.adjust_contrast(image, contrast)
    colored: SizedImage = F.adjust_saturation(image, saturation)
    return colored
