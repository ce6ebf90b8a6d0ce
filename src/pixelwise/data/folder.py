"""A user's own folder of images and label files as a data set; docs/own_data.md is its page for newcomers."""

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
from pixelwise.data.classes_file import CLASSES_FILE, LabelFiles, as_found, read_classes
from pixelwise.data.files import Pair, PairedFiles, check_some, list_files, pair_up, read_list
from pixelwise.data.images import IMAGE_SUFFIXES

TREE = f"""\
  images/  labels/                one label file for each image, of the same name but for the ending
  train.txt  val.txt  test.txt    (optional: a name a line; without them a split is drawn)
  {CLASSES_FILE}                    (optional: ids, names and colors)
or, split already,
  images/train/  labels/train/  images/val/  labels/val/  …
or
  train/images/  train/labels/  val/images/  val/labels/  …
"""

USUAL = ("train", "val", "test", "training", "valid", "validation", "testing")
"""Names by which folders and list files are known to be splits."""

Halves = tuple[Path, Path]
"""The folders of a split's images and labels."""


def _as_names(value: Any) -> Any:
    """Class names given as one text: a JSON list, or with commas between them."""
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else [name.strip() for name in value.split(",")]
    if isinstance(value, list | tuple) and (len(set(map(str, value))) < len(value) or "" in value):
        raise ValueError("expected names that differ, such as background,cell")
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names), Field(max_length=IGNORE)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Folder(DataSpec):
    """A folder of your own: images, and label files of the same names. The data root is the folder itself.

    Which layouts there are, `TREE` shows. Where nothing splits the images, a split is drawn: from the names alone, so
    that it is the same on every machine, and most images stay where they are when others are added.

    Which classes there are is decided once, by `resolve`: by `classes.json`; else from all label files, which hold ids
    (gray or palette) or colors (RGB). Among ids, 255 is void, except that 0 and 255 alone are two classes.

    Attributes:
        classes: Names of the ids 0, 1, … (or of 0 and 255) where there is no `classes.json`.
        val_share: Part of the images that a drawn split gives to `val`.
        test_share: Part that it gives to `test`.
        split_seed: Another number draws another split.
        split_names: The splits there are; `resolve` fills it in.
        label_files: The classes and how label files hold them; `resolve` fills it in.
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
    def _something_is_left(self) -> "Folder":
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share and test_share together must be below 1: the rest is what is learned from")
        return self

    @property
    def splits(self) -> tuple[str, ...]:  # type: ignore[override]  # only the disk knows: no constant of the class
        """Names of the splits."""
        return self.split_names

    @property
    def label_space(self) -> LabelSpace:
        """The classes. Raises InvalidSpec before `resolve`."""
        return self._decided.label_space

    @property
    def _decided(self) -> LabelFiles:
        if self.label_files is None:
            raise InvalidSpec("a folder's classes are known once it was looked at; call resolve(data_root) first.")
        return self.label_files

    def resolve(self, root: Path) -> "Folder":
        """The spec with the folder's splits and classes. Reads all label files if there is no `classes.json`.

        Raises:
            DatasetNotFound: The folder, or one of those in it, is missing.
            DataError: Images, labels, lists or `classes.json` do not fit together or cannot be used.
            InvalidSpec: Classes are named in two places.
        """
        if self.label_files:
            return self
        splits, listing = self._pairs(root), root / CLASSES_FILE
        files = check_some([pair.labels for pairs in splits.values() for pair in pairs], root, self.train_split)
        if self.classes and listing.is_file():
            raise InvalidSpec(f"classes are named twice, in {listing} and by data.classes; leave out one of them.")
        label_files = read_classes(listing) if listing.is_file() else as_found(files, self.classes)
        return self.replace(split_names=tuple(splits), label_files=label_files)

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`.

        Raises:
            InvalidSpec: The folder has no such split.
            DatasetNotFound: The folder, or one of those in it, is missing.
            DataError: Images, labels and lists do not fit together; see also `resolve`, if it was not called yet.
        """
        if not root.is_dir():
            self.check_split(split)
        splits = self._pairs(root)
        if split not in splits:
            if halves := self._split_folders(root).get(split):
                self._present(halves)
            raise InvalidSpec(
                f"{root} has no split '{split}' (data.train_split and data.val_split say which are used)."
                + did_you_mean(split, splits)
            )
        label_files = self.resolve(root)._decided
        return PairedFiles(check_some(splits[split], root, split), label_files.label_space, label_files.read)

    def missing(self, path: Path) -> DatasetNotFound:
        """See `DataSpec.missing`; here the data root is the folder itself."""
        return DatasetNotFound(
            f"Your folder was not found: there is no {path}. Give the folder that holds images and labels with"
            f" --data-root or PIXELWISE_DATA.\nExpected in it:\n{self.tree}More about it in docs/own_data.md."
        )

    def _present(self, halves: Halves) -> Halves:
        for half in halves:
            if not half.is_dir():
                raise self.missing(half)
        return halves

    def _pairs(self, root: Path) -> dict[str, list[Pair]]:
        """The files of every split."""
        if not root.is_dir():
            raise self.missing(root)
        halves, lists = self._split_folders(root), self._lists(root)
        if halves:
            first = next(iter(halves.values()))
            if lists:
                raise _two_layouts(root, next(iter(lists.values())), first[0])
            whole = {name: _paired(*pair) for name, pair in halves.items() if all(half.is_dir() for half in pair)}
            if not whole:
                self._present(first)
            return whole
        images, labels = self._present((root / "images", root / "labels"))
        if lists:
            exclusive = {self.train_split, self.val_split, "test"}
            return _listed(lists, exclusive, list_files(images, IMAGE_SUFFIXES), list_files(labels, IMAGE_SUFFIXES))
        return self._drawn(check_some(_paired(images, labels), images, self.train_split), root)

    def _split_folders(self, root: Path) -> dict[str, Halves]:
        """Where each split's halves lie or should lie, if folders divide the images; the usual names first."""
        tops = images, labels = root / "images", root / "labels"
        known = (self.train_split, self.val_split, *USUAL)
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
        """List files by their split."""
        names = dict.fromkeys((self.train_split, self.val_split, *USUAL))
        return {name: root / f"{name}.txt" for name in names if (root / f"{name}.txt").is_file()}

    def _drawn(self, pairs: Sequence[Pair], root: Path) -> dict[str, list[Pair]]:
        """A split by a hash of each name. Train lies between the others: a shifted border never moves val to test."""
        order = sorted(pairs, key=lambda pair: _hash(self.split_seed, pair.id))
        val, test = (max(1, round(share * len(order))) if share else 0 for share in (self.val_share, self.test_share))
        if val + test >= len(order):
            raise DataError(
                f"{root}: {len(order)} images are too few to draw {val} for val, {test} for test and some to learn"
                " from; add images, or name the images of each split in train.txt and val.txt."
            )
        drawn = {"train": order[val : len(order) - test], "val": order[:val], "test": order[len(order) - test :]}
        return {name: sorted(chosen) for name, chosen in drawn.items() if chosen}


def _listed(
    lists: Mapping[str, Path], exclusive: set[str], images: Mapping[str, Path], labels: Mapping[str, Path]
) -> dict[str, list[Pair]]:
    """The splits that list files name. An image may be in one of the `exclusive` ones only."""
    splits: dict[str, list[Pair]] = {}
    taken: dict[str, Path] = {}
    for name, listing in lists.items():
        mine: dict[str, Path] = {}
        for line in read_list(listing):
            stem = line if line in images else _without_ending(line)
            if stem not in images:
                raise DataError(
                    f"{listing}: there is no image '{line}' in images/; each line must be an image's name, with or"
                    " without its ending."
                )
            if other := mine.get(stem) or (taken.get(stem) if name in exclusive else None):
                where = "twice" if other == listing else f"in {other.name} as well"
                raise DataError(f"{listing}: '{line}' is listed {where}; leave it in one place.")
            mine[stem] = listing
        if name in exclusive:
            taken |= mine
        splits[name] = pair_up({stem: images[stem] for stem in mine}, {s: labels[s] for s in mine if s in labels})
    return splits


def _paired(images: Path, labels: Path) -> list[Pair]:
    return pair_up(list_files(images, IMAGE_SUFFIXES), list_files(labels, IMAGE_SUFFIXES))


def _folders(place: Path) -> list[str]:
    """Names of the folders in a place, none if it is not there; hidden ones are passed over."""
    return [name for name in next(os.walk(place), (place, [], []))[1] if not name.startswith(".")]


def _images(place: Path) -> list[str]:
    """Names of the images that lie directly in a place."""
    names = next(os.walk(place), (place, [], []))[2]
    return sorted(name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."))


def _without_ending(name: str) -> str:
    return name.rpartition(".")[0] if name.lower().endswith(IMAGE_SUFFIXES) else name


def _hash(seed: int, name: str) -> bytes:
    name = unicodedata.normalize("NFC", name)  # macOS may spell an accent as a letter of its own
    return blake2b(f"{seed}/{name}".encode(errors="surrogateescape")).digest()


def _two_layouts(root: Path, one: Path, other: Path) -> DataError:
    return DataError(f"{root} is laid out in two ways, by {one} and by {other}; keep one of them.")
