"""Shapes: street and park scenes with labels, drawn by code. Nothing to download, the same pictures on every machine.

The scenes have the difficulties of real data sets on a small scale: perspective, different light, objects that hide
each other or leave the frame, classes of very different frequency, and void pixels along the borders of objects.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

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
        return ShapesSplit(self, split)


class ShapesSplit:
    """One split. Each picture is drawn when it is first asked for, and kept as long as there is room for it."""

    def __init__(self, spec: Shapes, split: str) -> None:
        count = spec.images if split == "train" else max(1, spec.images // 4)
        self.spec, self.split = spec, split
        self.label_space = SPACE
        self.ids: Sequence[str] = tuple(f"{split}_{index:04d}" for index in range(count))
        self._cache: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.split} has the samples 0..{len(self) - 1}, not {index}")
        sample = self._cache.get(index)
        if sample is None:
            rng = generator(self.spec.seed, self.spec.splits.index(self.split), index)
            image, labels = draw_scene(rng, self.spec.size)
            sample = Sample(torch.from_numpy(image), torch.from_numpy(labels), self.ids[index])
            if 4 * labels.size * (len(self._cache) + 1) <= MEMORY:
                self._cache[index] = sample
        return Sample(sample.image.clone(), sample.labels.clone(), sample.id)

    def __getstate__(self) -> dict[str, object]:
        """For a worker process that is spawned: it draws the pictures itself."""
        return {**self.__dict__, "_cache": {}}
