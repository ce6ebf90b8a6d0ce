"""Cache of a frozen encoder's features: they are the same in every epoch, so they are computed once."""

import shutil
import tempfile
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from pixelwise.core.files import make_folder
from pixelwise.core.types import Encoded, Images, Logits
from pixelwise.data.cache import RESERVE, folder
from pixelwise.data.transforms import Augment
from pixelwise.inference.backends import Backend
from pixelwise.models import ModelSpec, Segmenter


def cacheable_variants(spec: ModelSpec, augment: Augment) -> int:
    """Number of images that a training image can become by augmentation; 0 where features cannot be cached."""
    if not spec.has_frozen_encoder or augment.rescale or augment.rotate or augment.crop:
        return 0
    return (2 if augment.hflip else 1) * (2 if augment.vflip else 1)


class FeatureCache(Backend):
    """A network with a frozen encoder that computes the encoder's features of each image once.

    An image is identified by its pixels. Features are stored in the dtype in which they were computed, in an unnamed
    file that the system removes however the process ends. The logits are those of the network itself, except for the
    grouping of sums in batches of another size.

    Args:
        model: The network; it has `encode` and `decode`.
        capacity: Maximum number of images.
    """

    def __init__(self, model: Segmenter, capacity: int) -> None:
        self._model, self._capacity = model, capacity
        self._places: dict[bytes, int] = {}
        self._rows: Tensor | None = None

    def __call__(self, images: Images) -> Logits:
        """Logits of a batch."""
        return self._model.decode(self._features(images), (images.shape[2], images.shape[3]))

    def _features(self, images: Images) -> Encoded:
        """One image at a time, so that features do not depend on the batch and a resumed run computes the same."""
        device, rows = self._model.mean.device, []
        for image in images:
            key = blake2b(image.contiguous().numpy().data, digest_size=16).digest()
            if key in self._places and self._rows is not None:
                rows.append(self._rows[self._places[key]][None].to(device))
                continue
            with torch.no_grad():
                rows.append(self._model.encode(image[None].to(device)))
            self._remember(key, rows[-1])
        return torch.cat(rows).contiguous(memory_format=torch.channels_last)

    def _remember(self, key: bytes, features: Encoded) -> None:
        if self._rows is None and self._capacity:
            self._rows = _in_a_file((self._capacity, *features.shape[1:]), features.dtype)
            self._capacity = 0 if self._rows is None else self._capacity
        if len(self._places) < self._capacity and self._rows is not None:
            self._places[key] = len(self._places)
            self._rows[self._places[key]] = features[0]


def _in_a_file(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor | None:
    """A tensor whose memory is an unnamed file; None where the disk is too full."""
    make_folder(folder())
    length = int(np.prod(shape)) * torch.empty(0, dtype=dtype).element_size()
    if shutil.disk_usage(folder()).free < length + RESERVE:
        return None
    with tempfile.TemporaryFile(dir=folder()) as file:  # the mapping outlives it
        mapped = np.memmap(file, np.uint8, mode="w+", shape=(length,))
    return torch.from_numpy(mapped).view(dtype).view(shape)
