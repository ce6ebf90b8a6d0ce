"""Checks of samples: a user's data set may give anything."""

import numpy as np
import torch
from torch import Tensor

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE
from pixelwise.data.base import Sample


def check_sample(sample: object, split: str = "") -> Sample:
    """Checks type, dtype and shape of a sample, and returns it.

    Args:
        sample: What a data set returned.
        split: Name of its split, for the message.

    Raises:
        DataError: It is no `Sample`, or its image or labels have another dtype or shape.
    """
    of_split = f" of the split '{split}'" if split else ""
    if not isinstance(sample, Sample):
        raise DataError(f"a sample{of_split} is {described(sample)}; return pixelwise.data.Sample(image, labels, id).")
    image, labels, name = sample
    where = f"sample '{name}'{of_split}"
    if not isinstance(image, Tensor) or image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3:
        raise DataError(
            f"the image of {where} is {described(image)}; expected a torch.uint8 tensor [3, H, W] of values 0..255"
            " (networks normalize it themselves)."
        )
    integer = isinstance(labels, Tensor) and not labels.is_floating_point() and labels.dtype != torch.bool
    if not integer or labels.ndim != 2:
        raise DataError(
            f"the labels of {where} are {described(labels)}; expected an integer tensor [H, W] of class ids."
        )
    if labels.shape != image.shape[1:]:
        height, width = labels.shape
        raise DataError(
            f"the labels of {where} are {width}x{height} and its image is {image.shape[2]}x{image.shape[1]}; both must"
            " have the same size."
        )
    return sample


def described(value: object) -> str:
    """A value's type, and dtype and shape of a tensor."""
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor {list(value.shape)}"
    return f"a {type(value).__name__}"


def check_class_ids(sample: Sample, num_classes: int, split: str = "") -> None:
    """Checks the range of a sample's labels.

    Args:
        sample: The sample.
        num_classes: K.
        split: Name of its split, for the message.

    Raises:
        DataError: A label is neither a class id, 0..K-1, nor IGNORE. The message lists the wrong ones.
    """
    labels = sample.labels.cpu().numpy()
    if ((labels < num_classes) & (labels >= 0) | (labels == IGNORE)).all():
        return
    wrong = sorted({*np.unique(labels).tolist()} - {*range(num_classes), IGNORE})
    shown = ", ".join(map(str, wrong[:8])) + (", …" if len(wrong) > 8 else "")
    of_split = f" of the split '{split}'" if split else ""
    raise DataError(
        f"the labels of sample '{sample.id}'{of_split} contain the class ids {shown}; expected 0..{num_classes - 1}, or"
        f" {IGNORE} for ignored pixels."
    )
