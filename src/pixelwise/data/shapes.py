"""Shapes: street and park scenes with labels, drawn by code. Nothing to download, the same pictures on every machine.

The scenes have the difficulties of real data sets on a small scale: perspective, different light, objects that hide
each other or leave the frame, classes of very different frequency, and void pixels along the borders of objects.
"""

from collections.abc import Sequence
from functools import lru_cache
from mmap import mmap
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.core.seeding import generator
from pixelwise.data.base import DataSpec, Sample
from pixelwise.data.shapes_drawing import CLASSES, draw_scene

SPACE = LabelSpace(
    names=CLASSES,
    colors=(
        (70, 150, 220), (170, 90, 70), (30, 110, 50), (140, 205, 90), (90, 80, 110), (235, 180, 205), (250, 180, 30),
        (225, 35, 60),
    ),
    raw_ids=tuple(range(len(CLASSES))),
    void={IGNORE: "border"},
)  # fmt: skip

MEMORY = 256 * 2**20
"""Largest size in bytes of the pictures that a split keeps in memory."""


class Shapes(DataSpec):
    """The data set `shapes`.

    Attributes:
        size: Height and width of the pictures, each 32 or more.
        images: Number of training pictures; `val` and `test` have a quarter of it each, at least one.
        seed: Seed of the pictures.
    """

    kind: Literal["shapes"] = "shapes"
    size: tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]] = (96, 128)
    images: int = Field(default=400, ge=1)
    seed: int = Field(default=0, ge=0)

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    @property
    def label_space(self) -> LabelSpace:
        """The classes of the scenes."""
        return SPACE

    def build(self, split: str, root: Path) -> "ShapesSplit":  # noqa: ARG002 (the contract's; there are no files)
        """Opens one split; `root` is not used.

        Raises:
            InvalidSpec: There is no such split.
        """
        self.check_split(split)
        return _open(self, split)


class ShapesSplit:
    """One split. Each picture is drawn at its first access and then kept in memory that forked processes share."""

    def __init__(self, spec: Shapes, split: str) -> None:
        count = spec.images if split == "train" else max(1, spec.images // 4)
        self.spec, self.split = spec, split
        self.label_space = SPACE
        self.ids: Sequence[str] = tuple(f"{split}_{index:04d}" for index in range(count))
        self._cache = _SharedCache(count, spec.size)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.split} has the samples 0..{len(self) - 1}, not {index}")
        drawn = self._cache.get(index)
        if drawn is None:
            rng = generator(self.spec.seed, self.spec.splits.index(self.split), index)
            image, labels = draw_scene(rng, self.spec.size)
            drawn = np.concatenate([image, labels[None]])
            self._cache.put(index, drawn)
        planes = torch.from_numpy(drawn)
        return Sample(planes[:3], planes[3], self.ids[index])

    def __getstate__(self) -> dict[str, object]:
        """Leaves the cache out: a process that was not forked draws the pictures itself."""
        return {**self.__dict__, "_cache": _SharedCache(0, self.spec.size)}


@lru_cache(maxsize=4)
def _open(spec: Shapes, split: str) -> ShapesSplit:
    """A split that was opened before keeps its drawn pictures."""
    return ShapesSplit(spec, split)


class _SharedCache:
    """Images and labels of the first pictures of a split in anonymous memory, which forked processes share.

    Args:
        count: Number of pictures.
        size: (H, W) of the pictures.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        height, width = size
        length = 4 * height * width
        self._count = min(count, MEMORY // length)
        if self._count:
            shared = np.frombuffer(mmap(-1, self._count * (length + 1)), np.uint8)
            self._is_drawn = shared[: self._count]
            self._planes = shared[self._count :].reshape(self._count, 4, height, width)

    def get(self, index: int) -> np.ndarray | None:
        """A copy of a picture's planes `[4, H, W]`, None if it is not kept."""
        return self._planes[index].copy() if index < self._count and self._is_drawn[index] else None

    def put(self, index: int, planes: np.ndarray) -> None:
        """Keeps a picture, where there is room for it."""
        if index < self._count:
            self._planes[index] = planes
            self._is_drawn[index] = True
