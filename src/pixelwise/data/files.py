"""A split that lies on disk as pairs of an image file and a label file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from pixelwise.core.errors import BadData, DatasetNotFound
from pixelwise.core.labels import LabelSpace
from pixelwise.data.base import Sample
from pixelwise.data.images import read_image, read_raw_labels


class Pair(NamedTuple):
    """Where one sample's image and labels lie."""

    id: str
    image: Path
    labels: Path


class PairedFiles:
    """A split made of file pairs; see `SegmentationDataset`.

    Raises:
        BadData: Two pairs have the same id.
    """

    def __init__(self, pairs: Sequence[Pair], space: LabelSpace) -> None:
        self.pairs = pairs
        self.space = space
        self.ids = [pair.id for pair in pairs]
        if len(set(self.ids)) < len(self.ids):
            twice = next(name for name, times in Counter(self.ids).items() if times > 1)
            raise BadData(f"'{twice}' is listed twice ({pairs[self.ids.index(twice)].image}); list every image once.")

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Reads one pair.

        Raises:
            BadData: A file is missing or damaged, the sizes differ, or a label id is outside the label space.
        """
        pair = self.pairs[index]
        image = read_image(pair.image)
        raw = read_raw_labels(pair.labels)
        if image.shape[1:] != raw.shape:
            (_, height, width), (label_height, label_width) = image.shape, raw.shape
            raise BadData(
                f"{pair.labels}: labels are {label_width}x{label_height} but their image {pair.image} is"
                f" {width}x{height}; both must have the same size."
            )
        return Sample(image, torch.from_numpy(self.space.to_classes(raw, str(pair.labels))), pair.id)


def read_list(path: Path) -> list[str]:
    """The lines of a split's list file, without blank ones."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def not_found(name: str, missing: Path, tree: str, source: str) -> DatasetNotFound:
    """The error for an absent data set.

    Args:
        name: The data set.
        missing: The first thing that was looked for and is not there.
        tree: The layout that was expected, below the data root.
        source: Where to get the data.
    """
    return DatasetNotFound(
        f"{name} was not found: there is no {missing}. Give its parent folder with --data-root or PIXELWISE_DATA.\n"
        f"Expected below the data root:\n{tree.rstrip()}\nGet it from {source}"
    )
