"""The contract of a data set: a spec that builds splits, and splits that give samples."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from pixelwise.core.errors import DatasetNotFound, InvalidSpec, did_you_mean
from pixelwise.core.label_space import LabelSpace
from pixelwise.core.spec import Spec
from pixelwise.core.types import Image, ImageLabels


class Sample(NamedTuple):
    """One image and its labels.

    Attributes:
        image: RGB, uint8 `[3, H, W]`.
        labels: Class ids `[H, W]`, 0..K-1 or IGNORE.
        id: Name of the sample in its split, unique, fit for a file name.
    """

    image: Image
    labels: ImageLabels
    id: str


@runtime_checkable
class SegmentationDataset(Protocol):
    """One split of a data set."""

    @property
    def label_space(self) -> LabelSpace:
        """The classes."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """Names of the samples, in order."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def evenly_spaced(length: int, most: int) -> list[int]:
    """Indices of at most so many samples of a split, from the first to the last."""
    found: list[int] = np.linspace(0, length - 1, min(most, length)).astype(int).tolist()
    return found


class DataSpec(Spec):
    """Base of every data set's spec.

    Attributes:
        kind: Which data set; for a user's own, its import path (`my_file.py:MyData`).
        train_split: The split to learn from.
        val_split: The split that early stop and the best checkpoint look at.
    """

    kind: str
    train_split: str = "train"
    val_split: str = "val"

    title: ClassVar[str] = ""
    """What the data set is called in a sentence."""
    tree: ClassVar[str] = ""
    """The layout that is expected below the data root."""
    source: ClassVar[str] = ""
    """Where to get it, and on what terms."""
    splits: ClassVar[tuple[str, ...]] = ()
    """Names of the splits that exist."""
    published_sizes: ClassVar[Mapping[str, int]] = {}
    """Images in each split as published; a copy with fewer is called a subset wherever its numbers are shown."""

    @property
    def label_space(self) -> LabelSpace:
        """Classes, colors and raw ids."""
        raise NotImplementedError

    def resolve(self, root: Path) -> "DataSpec":
        """The spec with what only the disk knows filled in, as a run stores it. Most sets know all of it already.

        Args:
            root: The data root.

        Raises:
            DatasetNotFound: See `build`.
            DataError: What lies there cannot be understood.
        """
        del root
        return self

    def build(self, split: str, root: Path) -> SegmentationDataset:
        """Opens one split.

        Args:
            split: One of `splits`.
            root: The data root, under which each data set has its own folder.

        Raises:
            InvalidSpec: The data set has no such split.
            DatasetNotFound: Folder or list file is missing; the text shows the expected tree and the source.
        """
        raise NotImplementedError

    def missing(self, path: Path) -> DatasetNotFound:
        """The error for an absent data set.

        Args:
            path: The first thing that was looked for and is not there.
        """
        return DatasetNotFound(
            f"{self.title} was not found: there is no {path}. Give its parent folder with --data-root or"
            f" PIXELWISE_DATA.\nExpected below the data root:\n{self.tree.rstrip()}\nGet it from {self.source}"
        )

    def check_split(self, split: str) -> None:
        """Raises InvalidSpec, naming the valid ones, if `split` does not exist."""
        if split not in self.splits:
            raise InvalidSpec(f"{self.kind} has no split '{split}'.{did_you_mean(split, self.splits)}")


def find_data_root(given: Path | str | None) -> Path:
    """The data root: what is given, else the variable PIXELWISE_DATA, else ./data."""
    return Path(given or os.environ.get("PIXELWISE_DATA") or "data")
