"""Splits that consist of pairs of an image file and a label file."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Integer

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data.base import Sample
from pixelwise.data.images import IMAGE_SUFFIXES, read_image, read_raw_labels

Item = TypeVar("Item")
RawLabels = Integer[np.ndarray, "H W"]


class Pair(NamedTuple):
    """Files of a sample.

    Attributes:
        id: Name of the sample.
        image: Path of the image.
        labels: Path of the label file.
    """

    id: str
    image: Path
    labels: Path


class PairedFiles:
    """Split that consists of pairs of files; see `SegmentationDataset`.

    Args:
        pairs: The files of each sample.
        space: Classes of the data set.
        read: Function that reads the raw ids `[H, W]` of a label file.

    Raises:
        DataError: Two samples have the same id.
    """

    def __init__(
        self, pairs: Sequence[Pair], space: LabelSpace, read: Callable[[Path], RawLabels] = read_raw_labels
    ) -> None:
        self.pairs = pairs
        self.label_space = space
        self.ids = [pair.id for pair in pairs]
        self._read = read
        if len(set(self.ids)) < len(self.ids):
            repeated = next(name for name, times in Counter(self.ids).items() if times > 1)
            first, second, *_ = (pair.image for pair in pairs if pair.id == repeated)
            where = f"as {first} and {second}" if first != second else f"({first})"
            raise DataError(f"'{repeated}' is listed twice {where}; every image needs a unique name.")

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Reads a sample.

        Raises:
            DataError: A file is missing or damaged, image and labels differ in size, or a label id is outside the
                label space.
        """
        pair = self.pairs[index]
        image = read_image(pair.image)
        raw = self._read(pair.labels)
        if image.shape[1:] != raw.shape:
            (_, height, width), (label_height, label_width) = image.shape, raw.shape
            rotated = " after its EXIF rotation" if (height, width) == (label_width, label_height) else ""
            raise DataError(
                f"{pair.labels}: labels are {label_width}x{label_height} but their image {pair.image} is"
                f" {width}x{height}{rotated}; both must have the same size."
            )
        return Sample(image, torch.from_numpy(self.label_space.to_classes(raw, str(pair.labels))), pair.id)


def list_images(folder: Path) -> dict[str, Path]:
    """Lists the image files of a folder and its subfolders; see `list_files`.

    Raises:
        DataError: There is no image, or the paths of two images differ only in their suffix.
    """
    images = list_files(folder, IMAGE_SUFFIXES)
    if not images:
        raise DataError(f"{folder} contains no image; image files end in {', '.join(IMAGE_SUFFIXES)}.")
    return images


def list_files(folder: Path, ends: Sequence[str]) -> dict[str, Path]:
    """Lists the files of a folder and its subfolders: path below the folder, without the ending -> file; sorted.

    Args:
        folder: The folder. Files and folders whose names begin with a dot are skipped.
        ends: Endings of the files in lower case, such as ".png" or "_label.png". Case is ignored.

    Raises:
        DataError: The paths of two files differ only in their ending.
    """
    files: dict[str, Path] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(place, folder)
        for name in sorted(names):
            end = next((end for end in ends if name.lower().endswith(end)), None)
            if end is None or name.startswith("."):
                continue
            stem = name[: -len(end)] if below == "." else f"{below.replace(os.sep, '/')}/{name[: -len(end)]}"
            if stem in files:
                raise DataError(f"{files[stem]} and {Path(place, name)} have the same name; rename or remove one.")
            files[stem] = Path(place, name)
    return files


def pair_up(images: Mapping[str, Path], labels: Mapping[str, Path]) -> list[Pair]:
    """Pairs the image files and label files of the same stem. A stem with folders `a/b` becomes the id `a_b`.

    Raises:
        DataError: An image has no labels, or labels have no image.
    """
    sides = (images, labels, "an image without labels"), (labels, images, "labels without an image")
    for files, others, problem in sides:
        unpaired = [str(path) for stem, path in files.items() if stem not in others]
        if unpaired:
            more = f" (and {len(unpaired) - 1} more)" if len(unpaired) > 1 else ""
            raise DataError(f"{unpaired[0]}{more}: {problem}; every image needs labels of the same name.")
    return [Pair(stem.replace("/", "_"), image, labels[stem]) for stem, image in images.items()]


def check_some(items: Sequence[Item], where: Path, split: str) -> Sequence[Item]:
    """Returns the items of a split unchanged, after a check that there are some.

    Args:
        items: Items of the split.
        where: Path of the split, for the error message.
        split: Name of the split.

    Raises:
        DataError: The split is empty.
    """
    if not items:
        raise DataError(f"{where}: the split '{split}' is empty; put images there or choose another split.")
    return items


def read_list(path: Path) -> list[str]:
    """Reads the lines of a list file, without blank lines.

    Raises:
        DataError: The file is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not in UTF-8; save it as UTF-8 text.") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """Returns the first of several folders that exists, or the first name if none does."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])
