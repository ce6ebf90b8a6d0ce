"""Several views of an image: mirrored, at several sizes, through sliding windows. Their probabilities are averaged.

Paper: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012: the
mean of the softmax over crops and mirror images; Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for
Semantic Image Segmentation", arXiv 1706.05587 (2017): sizes and mirror images in segmentation, where the authors' code
brings each view's logits to the image's size before their softmax is averaged; Isensee and others, "nnU-Net", Nature
Methods 18 (2021): windows that overlap by half.

Departures: windows weigh the same everywhere, nnU-Net's less towards their borders. Probabilities are added by their
logarithms: none of them becomes 0, and what comes out is a logit like any other. What is the same for all classes of a
pixel makes no difference to it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import torch
from jaxtyping import Float
from pydantic import AfterValidator, BeforeValidator
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec
from pixelwise.core.types import Images, Logits
from pixelwise.data.transforms import Size
from pixelwise.engine.backends import Backend
from pixelwise.models import ModelSpec


def _usable(scales: tuple[float, ...]) -> tuple[float, ...]:
    """Scales in ascending order: however they are given, they are the same views."""
    if not scales:
        raise ValueError("there is none; give one or more factors above 0, such as 0.75 1 1.25")
    for scale in scales:
        if not 0 < scale < math.inf:
            raise ValueError(f"{scale:g} is no factor above 0, by which both sides of an image can be multiplied")
        if scales.count(scale) > 1:
            raise ValueError(f"{scale:g} is given twice; give each scale once")
    return tuple(sorted(scales))


def _two_sides(window: Any) -> Any:
    if window is not None and (len(window) != 2 or any(side < 1 for side in window)):
        raise ValueError(f"{' '.join(map(str, window)) or 'nothing'} is no height and width in pixels, such as 360 480")
    return window


class Views(Spec):
    """How an image is looked at: once, as it is, unless more is asked for.

    A view is the image at one scale, as it is or mirrored. The logits of each are brought to the image's own size, and
    the softmax probabilities of all views are averaged.

    Attributes:
        flip: Whether there is, of each scale, the left-right mirror image too.
        scales: Factors on both sides of what the network is otherwise given: the experiment's `size`, else the image's
            own. Each view is resized from the image itself.
        window: (H, W) of windows through which each view is seen, or None. They lie half a window apart, and the last
            is moved inside; their probabilities are averaged, too. A view that is smaller than the window on a side is
            seen whole on that side.
    """

    flip: bool = False
    scales: Annotated[tuple[float, ...], AfterValidator(_usable)] = (1.0,)
    window: Annotated[Size | None, BeforeValidator(_two_sides)] = None

    @property
    def text(self) -> str:
        """In words, as the flags of the command line are: `flip, scales 0.75 1`. Empty for one look at the image."""
        scales = " ".join(repr(scale).removesuffix(".0") for scale in self.scales)
        found = {"flip": self.flip, f"scales {scales}": self.scales != (1.0,)}
        if self.window:
            found[f"window {self.window[0]} {self.window[1]}"] = True
        return ", ".join(words for words, asked in found.items() if asked)

    def each(self) -> list[tuple[float, bool]]:
        """Scale of each view, and whether it is mirrored."""
        return [(scale, mirrored) for scale in self.scales for mirrored in (False, True)[: 1 + self.flip]]

    def check(self, model: ModelSpec) -> None:
        """Checks that the network takes such windows.

        Raises:
            InvalidSpec: They are smaller than what it is given at least, and padding would fill the rest.
        """
        least = max(model.multiple, model.min_size)
        if self.window and min(self.window) < least:
            raise InvalidSpec(
                f"a window of {self.window[0]}×{self.window[1]} is too small for {model.kind}, which is given"
                f" {least}×{least} pixels at least; give a larger window."
            )


PLAIN = Views()
"""One look at the image as it is."""


def scaled(size: Sequence[int], scale: float) -> Size:
    """Height and width times the scale, to the nearest pixel."""
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def windows(size: Sequence[int], window: Size) -> list[tuple[slice, slice]]:
    """Rows and columns of the windows that cover an image.

    Args:
        size: (H, W) of the image.
        window: (H, W) of the windows.
    """
    rows, columns = (_parts(whole, part) for whole, part in zip(size, window, strict=True))
    return [(row, column) for row in rows for column in columns]


def _parts(whole: int, part: int) -> list[slice]:
    """Parts of a side, half a part from each other or less."""
    last = max(0, whole - part)
    return [slice(start, min(start + part, whole)) for start in (*range(0, last, max(1, part // 2)), last)]


def in_windows(backend: Backend, window: Size) -> Backend:
    """A backend that sees each image through windows: the softmax of its logits is the mean of the windows' softmax."""

    def windowed(images: Images) -> Logits:
        size = images.shape[-2:]
        areas = windows(size, window)
        if len(areas) == 1:
            return backend(images)
        total: Tensor | None = None
        for rows, columns in areas:
            found = backend(images[..., rows, columns]).log_softmax(1)
            if total is None:
                total = found.new_full((*found.shape[:2], *size), -math.inf)
            total[..., rows, columns] = torch.logaddexp(total[..., rows, columns], found)
        assert total is not None  # an image has a window
        return total  # the sum is the mean: how many windows saw a pixel is the same for all classes

    return windowed


def mean_of(views: Iterable[list[Float[Tensor, "_ _ _"]]]) -> list[Float[Tensor, "_ _ _"]]:
    """Logits whose softmax is the mean of the views' softmax; of a single view, its logits as they are.

    Args:
        views: Logits of several images by each view, in the images' own sizes.
    """
    others = iter(views)  # one by one: all at a time take as many times the memory
    total = next(others)
    for number, view in enumerate(others):
        total = total if number else [logits.log_softmax(0) for logits in total]
        total = [torch.logaddexp(sums, logits.log_softmax(0)) for sums, logits in zip(total, view, strict=True)]
    return total
