"""Data set of a user's own folder of images and label files; see docs/own_data.md."""

import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec, did_you_mean
from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.data.base import DataSpec
from pixelwise.data.classes_file import CLASSES_FILE, LabelFiles, infer_classes, read_classes
from pixelwise.data.files import Pair, PairedFiles, check_some, list_files, pair_up, read_list
from pixelwise.data.images import IMAGE_SUFFIXES

TREE = f"""\
  images/  labels/                one label file for each image, of the same name except for the suffix
  train.txt  val.txt  test.txt    (optional: one name per line; without them a split is drawn)
  {CLASSES_FILE}                    (optional: ids, names and colors)
or, with a folder for each split,
  images/train/  labels/train/  images/val/  labels/val/  …
or
  train/images/  train/labels/  val/images/  val/labels/  …
"""

SPLIT_NAMES = ("train", "val", "test", "training", "valid", "validation", "testing")
"""Names of folders and list files that are recognized as splits."""

FolderPair = tuple[Path, Path]
"""Image folder and label folder of a split."""


def _as_names(value: Any) -> Any:
    """Converts class names from text: a JSON list, or names separated by commas."""
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else [name.strip() for name in value.split(",")]
    if isinstance(value, list | tuple) and (len(set(map(str, value))) < len(value) or "" in value):
        raise ValueError("expected distinct names, such as background,cell")
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names), Field(max_length=IGNORE)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Folder(DataSpec):
    """Your own folder of images and label files. The data root is the folder itself.

    `TREE` shows the layouts. Without list files and folders for the splits, a split is drawn from a hash of the names.
    It is the same on every machine, and most images keep their split when others are added.

    `resolve` determines the classes once: from `classes.json` if it exists, else from all label files, which contain
    ids (gray or palette) or colors (RGB). The id 255 is void, except if 0 and 255 are the only ids: these are two
    classes.

    Attributes:
        classes: Names of the ids 0, 1, … (or of 0 and 255), if there is no `classes.json`.
        val_share: Share of the images in the split `val` of a drawn split, 0..1.
        test_share: Share of the images in the split `test` of a drawn split, 0..1.
        split_seed: Seed of a drawn split.
        split_names: Names of the splits; set by `resolve`.
        label_files: Classes and coding of the label files; set by `resolve`.
    """

    kind: Literal["folder"] = "folder"
    title: ClassVar[str] = "Your folder"
    tree: ClassVar[str] = TREE
    classes: Names = ()
    val_share: Share = 0.15
    test_share: Share = 0.15
    split_seed: Annotated[int, Field(ge=0)] = 0
    split_names: tuple[str, ...] = ("train", "val", "test")
    label_files: LabelFiles | None = None

    @model_validator(mode="after")
    def _train_is_not_empty(self) -> "Folder":
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share and test_share together must be below 1: the rest is the training split")
        return self

    @property
    def splits(self) -> tuple[str, ...]:  # type: ignore[override]  # the names depend on the disk
        """Names of the splits."""
        return self.split_names

    @property
    def label_space(self) -> LabelSpace:
        """Classes of the folder.

        Raises:
            InvalidSpec: `resolve` was not called.
        """
        return self._resolved.label_space

    @property
    def _resolved(self) -> LabelFiles:
        if self.label_files is None:
            raise InvalidSpec("the classes of a folder are unknown until it is read: call resolve(data_root) first.")
        return self.label_files

    def resolve(self, root: Path) -> "Folder":
        """Completes the spec with the splits and classes of the folder.

        Reads all label files if there is no `classes.json`.

        Raises:
            DatasetNotFound: The folder or one of its subfolders is missing.
            DataError: Images, labels, list files or `classes.json` are inconsistent or cannot be used.
            InvalidSpec: The classes are named both in `classes.json` and in `classes`.
        """
        if self.label_files:
            return self
        splits, listing = self._pairs(root), root / CLASSES_FILE
        files = check_some([pair.labels for pairs in splits.values() for pair in pairs], root, self.train_split)
        if self.classes and listing.is_file():
            raise InvalidSpec(f"classes are named twice, in {listing} and in data.classes; remove one of them.")
        label_files = read_classes(listing) if listing.is_file() else infer_classes(files, self.classes)
        return self.replace(split_names=tuple(splits), label_files=label_files)

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`.

        Raises:
            InvalidSpec: The folder has no such split.
            DatasetNotFound: The folder or one of its subfolders is missing.
            DataError: Images, labels and list files are inconsistent. If `resolve` was not called, see there too.
        """
        if not root.is_dir():
            self.check_split(split)
        splits = self._pairs(root)
        if split not in splits:
            if folders := self._split_folders(root).get(split):
                self._check_folders(folders)
            raise InvalidSpec(
                f"{root} has no split '{split}' (data.train_split and data.val_split select the splits)."
                + did_you_mean(split, splits)
            )
        label_files = self.resolve(root)._resolved
        return PairedFiles(check_some(splits[split], root, split), label_files.label_space, label_files.read)

    def missing(self, path: Path) -> DatasetNotFound:
        """See `DataSpec.missing`. The data root is the folder itself."""
        return DatasetNotFound(
            f"Your folder was not found: there is no {path}. Give the folder that contains images and labels with"
            f" --data-root or PIXELWISE_DATA.\nExpected in it:\n{self.tree}See docs/own_data.md."
        )

    def _check_folders(self, folders: FolderPair) -> FolderPair:
        for folder in folders:
            if not folder.is_dir():
                raise self.missing(folder)
        return folders

    def _pairs(self, root: Path) -> dict[str, list[Pair]]:
        """Returns the files of each split."""
        if not root.is_dir():
            raise self.missing(root)
        split_folders, lists = self._split_folders(root), self._lists(root)
        if split_folders:
            first = next(iter(split_folders.values()))
            if lists:
                raise _two_layouts(root, next(iter(lists.values())), first[0])
            complete = {
                name: _paired(*folders)
                for name, folders in split_folders.items()
                if all(folder.is_dir() for folder in folders)
            }
            if not complete:
                self._check_folders(first)
            return complete
        images, labels = self._check_folders((root / "images", root / "labels"))
        if lists:
            exclusive = {self.train_split, self.val_split, "test"}
            return _listed(lists, exclusive, list_files(images, IMAGE_SUFFIXES), list_files(labels, IMAGE_SUFFIXES))
        return self._drawn(check_some(_paired(images, labels), images, self.train_split), root)

    def _split_folders(self, root: Path) -> dict[str, FolderPair]:
        """Returns the folders of each split, existing or expected, if folders divide the images; known names first."""
        tops = images, labels = root / "images", root / "labels"
        known = (self.train_split, self.val_split, *SPLIT_NAMES)
        inside = {name for top in tops for name in _folders(top)}
        outside = {name for name in _folders(root) if any((root / name / top.name).is_dir() for top in tops)}
        inside, outside = (names if names & {*known} else set() for names in (inside, outside))
        if outside and (flat := next((top for top in tops if top.is_dir()), None)):
            raise _two_layouts(root, flat, root / min(outside))
        if inside and (loose := next((top / name for top in tops for name in _images(top)), None)):
            raise _two_layouts(root, loose, loose.parent / min(inside))
        ordered = sorted(inside | outside, key=lambda name: (known.index(name) if name in known else len(known), name))
        return {n: (images / n, labels / n) if inside else (root / n / "images", root / n / "labels") for n in ordered}

    def _lists(self, root: Path) -> dict[str, Path]:
        """Returns the list file of each split that has one."""
        names = dict.fromkeys((self.train_split, self.val_split, *SPLIT_NAMES))
        return {name: root / f"{name}.txt" for name in names if (root / f"{name}.txt").is_file()}

    def _drawn(self, pairs: Sequence[Pair], root: Path) -> dict[str, list[Pair]]:
        """Draws a split from a hash of each name. Train is between the others: no image moves from val to test."""
        order = sorted(pairs, key=lambda pair: _hash(self.split_seed, pair.id))
        val, test = (max(1, round(share * len(order))) if share else 0 for share in (self.val_share, self.test_share))
        if val + test >= len(order):
            raise DataError(
                f"{root}: {len(order)} images are too few for {val} in val, {test} in test and at least one in train;"
                " add images, or name the images of each split in train.txt and val.txt."
            )
        drawn = {"train": order[val : len(order) - test], "val": order[:val], "test": order[len(order) - test :]}
        return {name: sorted(chosen) for name, chosen in drawn.items() if chosen}


def _listed(
    lists: Mapping[str, Path], exclusive: set[str], images: Mapping[str, Path], labels: Mapping[str, Path]
) -> dict[str, list[Pair]]:
    """Returns the splits of list files. An image may be in at most one of the `exclusive` splits."""
    splits: dict[str, list[Pair]] = {}
    taken: dict[str, Path] = {}
    for name, listing in lists.items():
        mine: dict[str, Path] = {}
        for line in read_list(listing):
            stem = line if line in images else _without_suffix(line)
            if stem not in images:
                raise DataError(
                    f"{listing}: there is no image '{line}' in images/; each line must be the name of an image, with"
                    " or without its suffix."
                )
            if other := mine.get(stem) or (taken.get(stem) if name in exclusive else None):
                where = "twice" if other == listing else f"in {other.name} as well"
                raise DataError(f"{listing}: '{line}' is listed {where}; keep it in one place.")
            mine[stem] = listing
        if name in exclusive:
            taken |= mine
        splits[name] = pair_up({stem: images[stem] for stem in mine}, {s: labels[s] for s in mine if s in labels})
    return splits


def _paired(images: Path, labels: Path) -> list[Pair]:
    return pair_up(list_files(images, IMAGE_SUFFIXES), list_files(labels, IMAGE_SUFFIXES))


def _folders(place: Path) -> list[str]:
    """Returns the names of the folders in a folder, without hidden ones; none if the folder does not exist."""
    return [name for name in next(os.walk(place), (place, [], []))[1] if not name.startswith(".")]


def _images(place: Path) -> list[str]:
    """Returns the names of the images in a folder, without those in subfolders."""
    names = next(os.walk(place), (place, [], []))[2]
    return sorted(name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."))


def _without_suffix(name: str) -> str:
    return name.rpartition(".")[0] if name.lower().endswith(IMAGE_SUFFIXES) else name


def _hash(seed: int, name: str) -> bytes:
    name = unicodedata.normalize("NFC", name)  # macOS may encode an accent as a separate character
    return blake2b(f"{seed}/{name}".encode(errors="surrogateescape")).digest()


def _two_layouts(root: Path, one: Path, other: Path) -> DataError:
    return DataError(f"{root} has two layouts at once, {one} and {other}; keep one of them.")
