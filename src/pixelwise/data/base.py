"""Contract of data sets: `DataSpec` builds splits, and a split is a `SegmentationDataset` of `Sample` objects."""

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
    """An image and its labels.

    Attributes:
        image: RGB, uint8 `[3, H, W]`.
        labels: Class ids `[H, W]`, 0..K-1 or IGNORE.
        id: Name of the sample, unique in its split and valid as a file name.
    """

    image: Image
    labels: ImageLabels
    id: str


@runtime_checkable
class SegmentationDataset(Protocol):
    """One split of a data set."""

    @property
    def label_space(self) -> LabelSpace:
        """Classes of the data set."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """Names of the samples, in the order of their indices."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def evenly_spaced(length: int, most: int) -> list[int]:
    """Returns at most `most` evenly spaced indices of a sequence, from the first to the last one."""
    indices: list[int] = np.linspace(0, length - 1, min(most, length)).astype(int).tolist()
    return indices


class DataSpec(Spec):
    """Base class of the specs of data sets.

    Attributes:
        kind: Name of the data set. For a user's own data set, its import path (`my_file.py:MyData`).
        train_split: Name of the training split.
        val_split: Name of the validation split, which selects the best checkpoint and the early stop.
    """

    kind: str
    train_split: str = "train"
    val_split: str = "val"

    title: ClassVar[str] = ""
    """Name of the data set in texts."""
    tree: ClassVar[str] = ""
    """Folder tree that is expected below the data root."""
    source: ClassVar[str] = ""
    """Address of the data set, and its terms."""
    splits: ClassVar[tuple[str, ...]] = ()
    """Names of the splits."""
    published_sizes: ClassVar[Mapping[str, int]] = {}
    """Published number of images in each split. Scores on a copy with fewer images are labeled as those of a subset."""

    @property
    def label_space(self) -> LabelSpace:
        """Classes, colors and raw ids."""
        raise InvalidSpec(f"{self.kind} defines no `label_space`; return a pixelwise.core.label_space.LabelSpace.")

    def resolve(self, root: Path) -> "DataSpec":
        """Completes the spec with information from the data on disk, such as the classes of a folder.

        A run stores the completed spec. Most data sets have nothing to complete.

        Args:
            root: The data root.

        Raises:
            DatasetNotFound: See `build`.
            DataError: The data on disk is inconsistent or cannot be read.
        """
        del root
        return self

    def build(self, split: str, root: Path) -> SegmentationDataset:
        """Opens a split. Reads no image.

        Args:
            split: One of `splits`.
            root: The data root. It contains a folder for each data set.

        Raises:
            InvalidSpec: The data set has no such split.
            DatasetNotFound: A folder or list file is missing. The message shows the expected tree and the source.
        """
        del split, root
        raise InvalidSpec(f"{self.kind} defines no `build(split, root)`; return a SegmentationDataset.")

    def missing(self, path: Path) -> DatasetNotFound:
        """Returns the error for a missing data set.

        Args:
            path: The first path that is missing.
        """
        return DatasetNotFound(
            f"{self.title} was not found: there is no {path}. Give its parent folder with --data-root or"
            f" PIXELWISE_DATA.\nExpected below the data root:\n{self.tree.rstrip()}\nGet it from {self.source}"
        )

    def check_split(self, split: str) -> None:
        """Checks that a split exists.

        Raises:
            InvalidSpec: The data set has no such split. The message lists the valid names.
        """
        if split not in self.splits:
            raise InvalidSpec(f"{self.kind} has no split '{split}'.{did_you_mean(split, self.splits)}")


def find_data_root(given: Path | str | None) -> Path:
    """Returns the data root: the given path, else the environment variable PIXELWISE_DATA, else ./data."""
    return Path(given or os.environ.get("PIXELWISE_DATA") or "data")
