"""A split that lies on disk as pairs of an image file and a label file."""

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
    """Where one sample's image and labels lie."""

    id: str
    image: Path
    labels: Path


class PairedFiles:
    """A split made of file pairs; see `SegmentationDataset`.

    Args:
        pairs: The files.
        space: The classes.
        read: Gives a label file's raw ids, `[H, W]`.

    Raises:
        DataError: Two pairs have the same id.
    """

    def __init__(
        self, pairs: Sequence[Pair], space: LabelSpace, read: Callable[[Path], RawLabels] = read_raw_labels
    ) -> None:
        self.pairs = pairs
        self.label_space = space
        self.ids = [pair.id for pair in pairs]
        self._read = read
        if len(set(self.ids)) < len(self.ids):
            twice = next(name for name, times in Counter(self.ids).items() if times > 1)
            one, other = (pair.image for pair in pairs if pair.id == twice)
            where = f"as {one} and {other}" if one != other else f"({one})"
            raise DataError(f"'{twice}' is listed twice {where}; every image needs a name of its own.")

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Reads one pair.

        Raises:
            DataError: A file is missing or damaged, the sizes differ, or a label id is outside the label space.
        """
        pair = self.pairs[index]
        image = read_image(pair.image)
        raw = self._read(pair.labels)
        if image.shape[1:] != raw.shape:
            (_, height, width), (label_height, label_width) = image.shape, raw.shape
            turned = " once turned as its camera noted (EXIF)" if (height, width) == (label_width, label_height) else ""
            raise DataError(
                f"{pair.labels}: labels are {label_width}x{label_height} but their image {pair.image} is"
                f" {width}x{height}{turned}; both must have the same size."
            )
        return Sample(image, torch.from_numpy(self.label_space.to_classes(raw, str(pair.labels))), pair.id)


def list_images(folder: Path) -> dict[str, Path]:
    """Image files of a folder and its sub-folders; see `list_files`.

    Raises:
        DataError: There is none, or two have the same path but for the ending.
    """
    found = list_files(folder, IMAGE_SUFFIXES)
    if not found:
        raise DataError(f"{folder} holds no image; known endings: {', '.join(IMAGE_SUFFIXES)}.")
    return found


def list_files(folder: Path, ends: Sequence[str]) -> dict[str, Path]:
    """Files of a folder and its sub-folders by their path below it without the ending, sorted.

    Args:
        folder: Where to look. Files and folders whose names begin with a dot are passed over.
        ends: What names may end with, in small letters, such as ".png" or "_label.png".

    Raises:
        DataError: Two files have the same path but for the ending.
    """
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(place, folder)
        for name in sorted(names):
            end = next((end for end in ends if name.lower().endswith(end)), None)
            if end is None or name.startswith("."):
                continue
            stem = name[: -len(end)] if below == "." else f"{below.replace(os.sep, '/')}/{name[: -len(end)]}"
            if stem in found:
                raise DataError(f"{found[stem]} and {Path(place, name)} have the same name; rename or remove one.")
            found[stem] = Path(place, name)
    return found


def pair_up(images: Mapping[str, Path], labels: Mapping[str, Path]) -> list[Pair]:
    """Pairs of the images and label files of the same stem. Folders in a stem become part of the id: `a/b` is `a_b`.

    Raises:
        DataError: An image has no labels, or labels have no image.
    """
    sides = (images, labels, "an image without labels"), (labels, images, "labels without an image")
    for some, others, what in sides:
        alone = [str(path) for stem, path in some.items() if stem not in others]
        if alone:
            more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
            raise DataError(f"{alone[0]}{more}: {what}; every image needs labels of the same name.")
    return [Pair(stem.replace("/", "_"), image, labels[stem]) for stem, image in images.items()]


def check_some(items: Sequence[Item], where: Path, split: str) -> Sequence[Item]:
    """The items of a split, as they are.

    Raises:
        DataError: There is none.
    """
    if not items:
        raise DataError(f"{where}: the split '{split}' is empty; put images there or choose another split.")
    return items


def read_list(path: Path) -> list[str]:
    """The lines of a split's list file, without blank ones.

    Raises:
        DataError: It is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the text
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not in UTF-8; save it as UTF-8 text.") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """The first of these folders that is there; else the first of them, to be missed by name."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])
