"""Sliding windows: an image predicted in overlapping tiles whose probabilities are averaged.

Paper: Isensee and others, "nnU-Net", Nature Methods 18 (2021): windows that overlap by half.

Departures: all pixels of a window have the same weight; in nnU-Net the weight falls towards the border.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Images, Logits
from pixelwise.data.transforms import Size
from pixelwise.inference.backends import Backend
from pixelwise.models import ModelSpec


class SlidingWindow(Backend):
    """A backend that predicts each image in windows: the softmax of its logits is the mean of the windows' softmax.

    Windows start half a window apart, and the last one is moved inside. An image smaller than the window on a side is
    predicted whole on that side.

    Args:
        backend: Backend that predicts a window.
        window: (H, W) of the windows.
    """

    def __init__(self, backend: Backend, window: Size) -> None:
        self._backend, self._window = backend, window
        self.parallel_calls = backend.parallel_calls

    def __call__(self, images: Images) -> Logits:
        """See `Backend`."""
        size = images.shape[-2:]
        areas = windows(size, self._window)
        if len(areas) == 1:
            return self._backend(images)
        total: Tensor | None = None
        for rows, columns in areas:
            found = self._backend(images[..., rows, columns]).log_softmax(1)
            if total is None:
                total = found.new_full((*found.shape[:2], *size), -math.inf)
            total[..., rows, columns] = torch.logaddexp(total[..., rows, columns], found)
        assert total is not None  # an image has a window
        return total  # the sum serves as the mean: the number of windows over a pixel is the same for all classes


def check_window(window: Size | None, model: ModelSpec) -> None:
    """Checks that a network accepts windows of this size.

    Raises:
        InvalidSpec: They are smaller than the network's minimum, and padding would fill the rest.
    """
    least = max(model.multiple, model.min_size)
    if window and min(window) < least:
        raise InvalidSpec(
            f"a window of {window[0]}×{window[1]} is too small for {model.kind}, whose minimum is {least}×{least}"
            " pixels; give a larger window."
        )


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
