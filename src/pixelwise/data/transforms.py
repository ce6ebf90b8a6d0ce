"""Resizing and augmentation of an image together with its labels.

Images are interpolated bilinearly, with antialiasing when they shrink; labels take the nearest pixel. Outside the frame
of the image, pixels are black and labels are IGNORE.
"""

import math
import platform
from functools import cache
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.spec import Spec
from pixelwise.core.types import Image, ImageLabels, SizedImage, SizedLabels

Size = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
"""(height, width) in pixels."""
Probability = Annotated[float, Field(ge=0, le=1)]


class Augment(Spec):
    """Augmentation of a training image and its labels. The operations are applied in the order of the fields.

    Attributes:
        rescale: Range (low, high) of the scale factor of both sides, drawn uniformly.
        rotate: Maximum rotation in degrees, 0..180. The angle is drawn uniformly in ±rotate; the size stays the same.
        crop: (H, W) of a random crop. A smaller image is first padded at the right and the bottom.
        hflip: Probability of a left-right flip.
        vflip: Probability of an upside-down flip.
        color_jitter: Maximum relative change of brightness, contrast and saturation, each drawn uniformly.
        keep_plain: Whether an epoch contains each image twice, once unchanged and once augmented (report ai-idd).
    """

    rescale: tuple[float, float] | None = None
    rotate: Annotated[float, Field(ge=0, le=180)] = 0
    crop: Size | None = None
    hflip: Probability = 0
    vflip: Probability = 0
    color_jitter: Annotated[float, Field(ge=0, lt=1)] = 0
    keep_plain: bool = False

    @model_validator(mode="after")
    def _range(self) -> "Augment":
        if self.rescale and not 0 < self.rescale[0] <= self.rescale[1] < math.inf:
            raise ValueError("rescale is a range of factors (low, high) with 0 < low <= high")
        return self


def resize(image: Image, labels: ImageLabels, size: Size) -> tuple[SizedImage, SizedLabels]:
    """Resizes an image and its labels to (H, W). Labels take the pixel with the nearest center: both stay aligned."""
    if image.shape[1:] == size:
        return image, labels
    exact = labels[None, None] if labels.dtype == torch.uint8 else labels[None, None].float()
    nearest = F.interpolate(exact, list(size), mode="nearest-exact")[0, 0].to(labels.dtype)
    return resize_image(image, size), nearest


def resize_image(image: Image, size: Size) -> SizedImage:
    """Resizes an image to (H, W), bilinearly with antialiasing."""
    if image.shape[1:] == size:
        return image
    batch = _with_layout(image[None])
    if image.device.type == "cpu" and _has_uint8_kernel():
        return F.interpolate(batch, list(size), mode="bilinear", align_corners=False, antialias=True)[0]
    smooth = F.interpolate(batch.float(), list(size), mode="bilinear", align_corners=False, antialias=True)
    return smooth.round_().to(image.dtype)[0]


@cache
def _has_uint8_kernel() -> bool:
    """Returns whether torch has a fast bilinear kernel for uint8; torchvision has the same condition."""
    capability = torch.backends.cpu.get_cpu_capability()
    return capability in ("AVX2", "AVX512") or platform.machine() in ("aarch64", "arm64")


def _with_layout(batch: Tensor) -> Tensor:
    """Sets the batch stride of one image so that torch recognizes the channels-last layout and keeps it."""
    if batch.is_contiguous(memory_format=torch.channels_last) and batch.numel() != batch.stride(0):
        return batch.as_strided(batch.shape, (batch.numel(), *batch.stride()[1:]))
    return batch


def augment(
    image: Image, labels: ImageLabels, augmentation: Augment, rng: np.random.Generator
) -> tuple[SizedImage, SizedLabels]:
    """Augments an image and its labels.

    Args:
        image: RGB, uint8 `[3, H, W]`.
        labels: Class ids `[H, W]`.
        augmentation: The augmentation.
        rng: Generator of the sample, the only source of random numbers.
    """
    if augmentation.rescale:
        factor = rng.uniform(*augmentation.rescale)
        height, width = image.shape[1:]
        image, labels = resize(image, labels, (max(1, round(height * factor)), max(1, round(width * factor))))
    if augmentation.rotate:
        image, labels = _rotate(image, labels, rng.uniform(-augmentation.rotate, augmentation.rotate))
    if augmentation.crop:
        image, labels = _crop(image, labels, augmentation.crop, rng)
    if augmentation.hflip and rng.random() < augmentation.hflip:
        image, labels = image.flip(2), labels.flip(1)
    if augmentation.vflip and rng.random() < augmentation.vflip:
        image, labels = image.flip(1), labels.flip(0)
    if augmentation.color_jitter:
        image = _jitter(image, augmentation.color_jitter, rng)
    return image, labels


def _rotate(image: Image, labels: ImageLabels, angle: float) -> tuple[Image, ImageLabels]:
    """Rotates an image and its labels counter-clockwise about the center, by `angle` degrees."""
    from torchvision.transforms import InterpolationMode  # here, because its import is slow
    from torchvision.transforms.v2.functional import rotate

    rotated = rotate(labels[None], angle, InterpolationMode.NEAREST, fill=[IGNORE])[0]
    return rotate(image, angle, InterpolationMode.BILINEAR, fill=[0]), rotated


def _crop(image: Image, labels: ImageLabels, size: Size, rng: np.random.Generator) -> tuple[SizedImage, SizedLabels]:
    """Crops an image and its labels to (H, W) at a random position."""
    bottom, right = (max(0, want - have) for want, have in zip(size, labels.shape, strict=True))
    if bottom or right:
        image = F.pad(image, (0, right, 0, bottom))
        labels = F.pad(labels, (0, right, 0, bottom), value=IGNORE)
    top, left = (int(rng.integers(have - want + 1)) for want, have in zip(size, labels.shape, strict=True))
    area = slice(top, top + size[0]), slice(left, left + size[1])
    return image[:, *area], labels[area]


def _jitter(image: SizedImage, amount: float, rng: np.random.Generator) -> SizedImage:
    """Changes brightness, contrast and saturation, in this order."""
    from torchvision.transforms.v2 import functional  # here, because its import is slow

    brightness, contrast, saturation = (rng.uniform(1 - amount, 1 + amount) for _ in range(3))
    image = functional.adjust_brightness(image, brightness)
    image = functional.adjust_contrast(image, contrast)
    changed: SizedImage = functional.adjust_saturation(image, saturation)
    return changed
