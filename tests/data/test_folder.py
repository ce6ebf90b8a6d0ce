"""A user's own folder: layouts, drawn splits, codings of labels, and messages for ambiguous folders."""

import builtins
import io
import json
import os
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Folder
from pixelwise.data.classes_file import read_classes
from pixelwise.data.files import Pair
from pixelwise.data.voc import voc_color
from tests.data.trees import write_image, write_labels

CELLS = [{"id": 0, "name": "background", "color": [0, 0, 0]}, {"id": 7, "name": "cell", "color": [250, 40, 10]}]
ALL = {"train": ["a", "b"], "val": ["c"], "test": ["d"]}
LABELS = np.array([[0, 1, 1], [2, 0, 255]], np.uint8)


def add(
    root: Path, names: Iterable[str], labels: np.ndarray = LABELS, images: str = "images", at: str = "labels"
) -> None:
    """Pairs of one image and these labels, in ids or colors."""
    for seed, name in enumerate(names):
        write_image(root / images / f"{name}.jpg", labels.shape[:2], seed)
        write_labels(root / at / f"{name}.png", labels)


def in_lists(root: Path) -> None:
    for split, names in ALL.items():
        add(root, names)
        (root / f"{split}.txt").write_text("\n".join(names))


def in_halves(root: Path) -> None:
    for split, names in ALL.items():
        add(root, names, images=f"images/{split}", at=f"labels/{split}")


def in_splits(root: Path) -> None:
    for split, names in ALL.items():
        add(root, names, images=f"{split}/images", at=f"{split}/labels")


def classes(root: Path, entries: Any) -> Path:
    root.mkdir(exist_ok=True)
    listing = root / "classes.json"
    listing.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    return listing


def refused(root: Path, error: type[Exception] = DataError, **fields: Any) -> str:
    """The one sentence for a folder that cannot be used."""
    with pytest.raises(error) as caught:
        Folder(**fields).resolve(root)
    assert error is DatasetNotFound or "\n" not in str(caught.value)
    return str(caught.value)


def class_ids(root: Path, split: str = "train", **fields: Any) -> list[list[list[int]]]:
    """Class ids of each sample."""
    dataset = Folder(**fields).build(split, root)
    return [dataset[i].labels.tolist() for i in range(len(dataset))]


# Layouts


@pytest.mark.parametrize("layout", [in_lists, in_halves, in_splits])
def test_every_layout_gives_the_same_splits(tmp_path: Path, layout) -> None:
    layout(tmp_path)
    spec = Folder().resolve(tmp_path)
    assert spec.splits == ("train", "val", "test")
    for split, names in ALL.items():
        dataset = spec.build(split, tmp_path)
        assert dataset.ids == names
        assert all(np.array_equal(s.labels, LABELS) for s in map(dataset.__getitem__, range(len(dataset))))


@pytest.mark.parametrize("layout", [in_lists, in_halves, in_splits])
def test_a_split_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path, layout) -> None:
    layout(tmp_path)
    with pytest.raises(InvalidSpec, match=r"no split 'tets'.* Did you mean 'test'\? Choose from: test, train, val\."):
        Folder().build("tets", tmp_path)


@pytest.mark.parametrize("layout", ["images/{}", "{}/images", "lists"])
def test_splits_may_have_other_names_than_train_and_val(tmp_path: Path, layout: str) -> None:
    for split, name in (("training", "a"), ("valid", "b"), ("extra", "c")):
        images = "images" if layout == "lists" else layout.format(split)
        add(tmp_path, [name], images=images, at=images.replace("images", "labels"))
        if layout == "lists":
            (tmp_path / f"{split}.txt").write_text(name)
    spec = Folder(train_split="training", val_split="valid").resolve(tmp_path)
    assert spec.splits == (("training", "valid") if layout == "lists" else ("training", "valid", "extra"))
    assert spec.build("valid", tmp_path).ids == ["b"]
    with pytest.raises(InvalidSpec, match=r"no split 'train' \(data.train_split .* Did you mean 'training'\?"):
        Folder().build("train", tmp_path)


def test_folders_below_images_that_are_no_splits_are_part_of_the_names(tmp_path: Path) -> None:
    add(tmp_path, ["berlin/a", "berlin/b", "bonn/a", "bonn/b"])
    spec = Folder().resolve(tmp_path)
    ids = [name for split in spec.splits for name in spec.build(split, tmp_path).ids]
    assert sorted(ids) == ["berlin_a", "berlin_b", "bonn_a", "bonn_b"]


def test_a_list_may_give_endings_sub_folders_blank_lines_and_only_some_of_the_images(tmp_path: Path) -> None:
    add(tmp_path, ["a b", "x/c", "v1.2", "left out", "d"])
    (tmp_path / "train.txt").write_bytes(b"\xef\xbb\xbfa b\r\n\r\nx/c.jpg\r\nv1.2\r\n")  # as Windows' Notepad saves it
    (tmp_path / "val.txt").write_text("d.png\n")
    spec = Folder().resolve(tmp_path)
    assert spec.splits == ("train", "val")
    assert spec.build("train", tmp_path).ids == ["a b", "x_c", "v1.2"]
    assert spec.build("val", tmp_path).ids == ["d"]


def test_images_without_a_labels_folder_are_not_a_split(tmp_path: Path) -> None:
    """Public benchmarks have test images without labels."""
    in_splits(tmp_path)
    for file in (tmp_path / "test/labels").iterdir():
        file.unlink()
    (tmp_path / "test/labels").rmdir()
    assert Folder().resolve(tmp_path).splits == ("train", "val")
    with pytest.raises(DatasetNotFound, match=f"there is no {tmp_path}/test/labels"):
        Folder().build("test", tmp_path)


@pytest.mark.parametrize("missing", ["images", "labels"])
def test_a_missing_half_is_named(tmp_path: Path, missing: str) -> None:
    add(tmp_path, "abc")
    (tmp_path / missing).rename(tmp_path / "masks")
    assert f"there is no {tmp_path / missing}" in refused(tmp_path, DatasetNotFound)


@pytest.mark.parametrize(
    ("one", "other"),
    [(in_lists, in_halves), (in_lists, in_splits), (in_halves, in_splits)],
)
def test_two_layouts_at_once_are_refused(tmp_path: Path, one, other) -> None:
    one(tmp_path)
    other(tmp_path)
    assert "has two layouts at once" in refused(tmp_path)


@pytest.mark.parametrize("layout", [in_halves, in_splits])
def test_images_beside_split_folders_or_lists_for_them_are_refused(tmp_path: Path, layout) -> None:
    layout(tmp_path)
    (tmp_path / "train.txt").write_text("a")
    assert f"{tmp_path}/train.txt" in refused(tmp_path)
    (tmp_path / "train.txt").unlink()
    add(tmp_path, ["loose"])
    assert "has two layouts at once" in refused(tmp_path)


def test_pictures_that_were_predicted_into_the_folder_are_no_split(tmp_path: Path) -> None:
    in_lists(tmp_path)
    add(tmp_path, "a", images="predictions/overlays", at="predictions/labels")
    assert Folder().resolve(tmp_path).splits == ("train", "val", "test")


def test_an_image_without_labels_and_labels_without_an_image_are_named(tmp_path: Path) -> None:
    add(tmp_path, "abcd")
    (tmp_path / "labels/b.png").unlink()
    assert refused(tmp_path).startswith(f"{tmp_path}/images/b.jpg: an image without labels")
    (tmp_path / "images/b.jpg").unlink()
    (tmp_path / "images/c.jpg").unlink()
    assert refused(tmp_path).startswith(f"{tmp_path}/labels/c.png: labels without an image")


def test_a_listed_image_without_labels_is_named(tmp_path: Path) -> None:
    in_lists(tmp_path)
    (tmp_path / "labels/b.png").unlink()
    assert refused(tmp_path).startswith(f"{tmp_path}/images/b.jpg: an image without labels")


@pytest.mark.parametrize(
    ("listing", "lines", "says"),
    [
        ("train", "a\nmissing.png\n", "train.txt: there is no image 'missing.png' in images/"),
        ("train", "a\nb\na.jpg\n", "train.txt: 'a.jpg' is listed twice"),
        ("val", "c\na\n", "val.txt: 'a' is listed in train.txt as well"),
        ("test", "c\n", "test.txt: 'c' is listed in val.txt as well"),
    ],
)
def test_a_list_that_names_what_is_not_there_or_what_is_taken_is_refused(
    tmp_path: Path, listing: str, lines: str, says: str
) -> None:
    in_lists(tmp_path)
    (tmp_path / f"{listing}.txt").write_text(lines)
    assert f"{tmp_path}/{says}" in refused(tmp_path)


def test_lists_of_unused_splits_may_overlap_with_those_that_are_used(tmp_path: Path) -> None:
    """`trainval` is what both are in, in PASCAL's way."""
    in_lists(tmp_path)
    (tmp_path / "trainval.txt").write_text("a\nb\nc")
    spec = Folder(train_split="trainval", val_split="test").resolve(tmp_path)
    assert spec.build("trainval", tmp_path).ids == ["a", "b", "c"]


def test_a_list_in_another_encoding_and_an_empty_list_are_named(tmp_path: Path) -> None:
    in_lists(tmp_path)
    (tmp_path / "val.txt").write_bytes("Straße".encode("latin-1"))
    assert f"{tmp_path}/val.txt: is not in UTF-8" in refused(tmp_path)
    (tmp_path / "val.txt").write_text("\n")
    with pytest.raises(DataError, match="the split 'val' is empty"):
        Folder().build("val", tmp_path)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    assert f"{tmp_path}/images: the split 'train' is empty" in refused(tmp_path)


def test_any_file_name_will_do(tmp_path: Path) -> None:
    names = ["a name", 'it\'s "quoted"', "Straße 東京 é", "-rf", "x" * 200, "a.b", "#1 100%", "$HOME"]
    add(tmp_path, names)
    (tmp_path / "labels/.DS_Store").touch()
    (tmp_path / "labels/._a name.png").touch()
    (tmp_path / "images/._a name.jpg").touch()
    spec = Folder().resolve(tmp_path)
    datasets = [spec.build(split, tmp_path) for split in spec.splits]
    assert sorted(name for dataset in datasets for name in dataset.ids) == sorted(names)
    assert all(np.array_equal(dataset[i].labels, LABELS) for dataset in datasets for i in range(len(dataset)))


# The drawn split


def drawn(names: Iterable[str], **fields: Any) -> dict[str, set[str]]:
    pairs = [Pair(name, Path(name), Path(name)) for name in names]
    return {split: {pair.id for pair in chosen} for split, chosen in Folder(**fields)._drawn(pairs, Path()).items()}


NAMES = [f"image {n}" for n in range(1000)]


@given(st.sets(st.text(min_size=1), min_size=3), st.integers(0, 9), st.randoms(use_true_random=False))
def test_a_drawn_split_is_a_partition_whatever_the_order_of_listing(
    names: set[str], seed: int, rng: random.Random
) -> None:
    splits = drawn(names, split_seed=seed)
    assert set.union(*splits.values()) == names
    assert sum(map(len, splits.values())) == len(names)
    assert list(splits) == ["train", "val", "test"]
    shuffled = sorted(names)
    rng.shuffle(shuffled)
    assert drawn(shuffled, split_seed=seed) == splits


@pytest.mark.parametrize(
    ("count", "val", "test", "sizes"),
    [
        (1000, 0.15, 0.15, (700, 150, 150)),
        (1000, 0.123, 0, (877, 123, 0)),
        (3, 0.01, 0.01, (1, 1, 1)),
        (1, 0, 0, (1, 0, 0)),
    ],
)
def test_the_shares_of_a_drawn_split_are_exact(count: int, val: float, test: float, sizes: tuple[int, ...]) -> None:
    splits = drawn(NAMES[:count], val_share=val, test_share=test)
    assert tuple(len(splits.get(split, ())) for split in ("train", "val", "test")) == sizes


def test_images_mostly_stay_where_they_are_when_others_are_added() -> None:
    before, after = drawn(NAMES[:900]), drawn(NAMES)
    stayed = sum(len(before[split] & after[split]) for split in before)
    assert stayed > 0.97 * 900, "by chance alone it would be about half"
    assert not before["val"] & after["test"]
    assert not before["test"] & after["val"]


def test_another_seed_draws_another_split() -> None:
    one, other = drawn(NAMES), drawn(NAMES, split_seed=1)
    assert len(one["val"] & other["val"]) < 45, "22 are expected by chance"


def test_a_drawn_split_is_the_same_however_a_system_spells_accents() -> None:
    """macOS may give é as e and an accent."""
    composed, apart = ([f"{accent}{n}" for n in range(50)] for accent in ("\u00e9", "e\u0301"))
    one, other = drawn(composed), drawn(apart)
    assert all({n[1:] for n in one[split]} == {n[2:] for n in other[split]} for split in one)


def test_too_few_images_are_refused_and_a_share_of_everything_too(tmp_path: Path) -> None:
    add(tmp_path, "ab")
    assert "2 images are too few" in refused(tmp_path)
    with pytest.raises(InvalidSpec, match="below 1"):
        Folder().replace(val_share=0.5, test_share=0.5)


# Classes


def test_classes_json_says_names_ids_colors_and_void(tmp_path: Path) -> None:
    void = [
        {"id": 3, "name": "edge", "void": True, "color": [9, 9, 9]},
        {"id": 255, "name": "unlabelled", "void": True},
    ]
    classes(tmp_path, [*CELLS, *void])
    add(tmp_path, "abc", np.array([[0, 7], [3, 255]], np.uint8))
    space = Folder().resolve(tmp_path).label_space
    assert space.names == ("background", "cell")
    assert space.raw_ids == (0, 7)
    assert space.void == {3: "edge", 255: "unlabelled"}
    assert space.colors == ((0, 0, 0), (250, 40, 10))
    assert space.void_color == (9, 9, 9)
    assert class_ids(tmp_path) == [[[0, 1], [IGNORE, IGNORE]]]


def test_the_key_colour_is_accepted_in_classes_json(tmp_path: Path) -> None:
    add(tmp_path, "abc")
    listing = classes(tmp_path, CELLS)
    american = read_classes(listing)
    listing.write_text(json.dumps([{"colour" if key == "color" else key: v for key, v in c.items()} for c in CELLS]))
    assert read_classes(listing) == american
    assert american.label_space.colors == ((0, 0, 0), (250, 40, 10))


def test_with_colors_in_classes_json_each_file_may_hold_ids_or_colors(tmp_path: Path) -> None:
    classes(tmp_path, [*CELLS, {"id": 3, "name": "edge", "color": [9, 9, 9], "void": True}])
    add(tmp_path, "a", np.array([[0, 7, 3]], np.uint8))
    add(tmp_path, "b", np.array([[[0, 0, 0], [250, 40, 10], [9, 9, 9]]], np.uint8))
    add(tmp_path, "c", np.array([[[0, 0, 0, 7], [250, 40, 10, 0], [9, 9, 9, 255]]], np.uint8))
    (tmp_path / "train.txt").write_text("a\nb\nc")
    assert class_ids(tmp_path) == [[[0, 1, IGNORE]]] * 3
    add(tmp_path, "c", np.array([[[1, 2, 3]]], np.uint8))
    with pytest.raises(DataError, match=rf"{tmp_path}/labels/c.png: the colors \(1, 2, 3\)"):
        class_ids(tmp_path)


def test_without_colors_in_classes_json_gray_in_rgb_is_ids_and_the_palette_is_pascals(tmp_path: Path) -> None:
    classes(tmp_path, [{"id": 0, "name": "background"}, {"id": 7, "name": "cell"}])
    add(tmp_path, "a", np.repeat(np.array([[0, 7]], np.uint8)[..., None], 3, axis=2))
    add(tmp_path, "b", np.array([[[0, 0, 0], [250, 40, 10]]], np.uint8))
    for name in "ab":
        (tmp_path / "train.txt").write_text(name)
        if name == "a":
            assert class_ids(tmp_path) == [[[0, 1]]]
    with pytest.raises(DataError, match=f"{tmp_path}/labels/b.png: expected ids, found colors"):
        class_ids(tmp_path)
    assert Folder().resolve(tmp_path).label_space.colors == (voc_color(0), voc_color(1))


ENTRY = {"id": 0, "name": "a"}


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("{", "is not valid JSON"),
        ({"classes": [ENTRY]}, "expected a list"),
        ([], "expected 1 to 255 classes that are not void, found 0"),
        ([{"id": 0, "name": "a", "void": True}], "expected 1 to 255 classes that are not void, found 0"),
        ([{"id": n, "name": str(n)} for n in range(256)], "expected 1 to 255 classes that are not void, found 256"),
        ([{"name": "a"}], "entry 1 .*id: field required"),
        ([ENTRY, {"id": 1}], "entry 2 .*name: field required"),
        ([ENTRY, {"id": 1, "name": ""}], "entry 2 .*name: "),
        ([ENTRY, 5], "entry 2 .*given: 5"),
        ([ENTRY, {"id": 0, "name": "b"}], "the id 0 appears twice"),
        ([ENTRY, {"id": 1, "name": "a"}], 'the name "a" appears twice'),
        ([CELLS[0], CELLS[1] | {"color": [0, 0, 0]}], r"the color \[0, 0, 0\] appears twice"),
        ([CELLS[0], ENTRY | {"id": 1}], "'a' has no color but other classes do"),
        ([ENTRY | {"color": [0, 0]}], "entry 1 .*color"),
        ([ENTRY | {"color": [0, 0, 256]}], "entry 1 .*color"),
        ([ENTRY | {"color": "red"}], "entry 1 .*color"),
        (
            [ENTRY | {"color": [0, 0, 0], "colour": [1, 1, 1]}],
            "entry 1 .*color and colour are both given",
        ),
        ([ENTRY | {"id": -1}], "entry 1 .*id: .*given: -1"),
        ([ENTRY | {"id": 65536}], "entry 1 .*id: .*given: 65536"),
        ([ENTRY | {"id": "0"}], "entry 1 .*id: .*given: '0'"),
        ([ENTRY | {"id": True}], "entry 1 .*id: .*given: True"),
        ([ENTRY | {"void": "no"}], "entry 1 .*void: "),
        ([ENTRY | {"supercategory": "x"}], "entry 1 .*there is no field 'supercategory'"),
    ],
)
def test_every_error_in_classes_json_is_one_sentence(tmp_path: Path, entries: Any, says: str) -> None:
    add(tmp_path, "abc")
    listing = classes(tmp_path, entries)
    with pytest.raises(DataError, match=f"^{listing}: {says}") as error:
        Folder().resolve(tmp_path)
    assert "\n" not in str(error.value)


def test_classes_json_may_be_saved_by_notepad_but_not_in_another_encoding(tmp_path: Path) -> None:
    add(tmp_path, "abc")
    listing = classes(tmp_path, "")
    listing.write_bytes(b"\xef\xbb\xbf" + json.dumps(CELLS).encode())
    assert Folder().resolve(tmp_path).label_space.names == ("background", "cell")
    listing.write_bytes('[{"id": 0, "name": "Straße"}]'.encode("latin-1"))
    assert f"{listing}: is not valid JSON" in refused(tmp_path)


def test_classes_named_in_two_places_are_refused(tmp_path: Path) -> None:
    add(tmp_path, "abc")
    classes(tmp_path, CELLS)
    assert "named twice" in refused(tmp_path, InvalidSpec, classes=("a", "b"))


@pytest.mark.parametrize(
    ("values", "given_names", "names", "raw_ids", "void"),
    [
        ([0, 1, 5], (), ("class 0", "class 1", "class 5"), (0, 1, 5), {}),
        ([0, 1, 255], (), ("class 0", "class 1"), (0, 1), {255: "void"}),
        ([0, 255], (), ("class 0", "class 255"), (0, 255), {}),
        ([0, 255], ("no", "yes"), ("no", "yes"), (0, 255), {}),
        ([255], ("no", "yes"), ("no", "yes"), (0, 255), {}),
        ([0, 1, 255], ("no", "yes"), ("no", "yes"), (0, 1), {255: "void"}),
        ([0], ("no", "yes"), ("no", "yes"), (0, 1), {}),
        ([2, 0], ("a", "b", "c"), ("a", "b", "c"), (0, 1, 2), {}),
    ],
)
@pytest.mark.parametrize("coding", ["gray", "palette", "rgb", "16 bits"])
def test_ids_are_classes_and_255_is_void_but_for_0_and_255_alone(
    tmp_path: Path, coding: str, values: list[int], given_names: tuple[str, ...], names: tuple[str, ...],
    raw_ids: tuple[int, ...], void: dict[int, str],
) -> None:  # fmt: skip
    labels = np.array([values], np.uint16 if coding == "16 bits" else np.uint8)
    add(tmp_path, "abc", np.stack([labels] * 3, axis=2) if coding == "rgb" else labels)
    if coding == "palette":
        for name in "abc":
            write_labels(tmp_path / f"labels/{name}.png", labels, [*range(255, -1, -1)] * 3)
    space = Folder(classes=given_names).resolve(tmp_path).label_space
    assert (space.names, space.raw_ids, space.void) == (names, raw_ids, void)
    expected = [[raw_ids.index(v) if v in raw_ids else IGNORE for v in values]]
    assert class_ids(tmp_path, classes=given_names) == [expected]


def test_ids_may_have_16_bits(tmp_path: Path) -> None:
    add(tmp_path, "abc", np.array([[1000, 7, 65535]], np.uint16))
    assert Folder().resolve(tmp_path).label_space.names == ("class 7", "class 1000", "class 65535")
    assert class_ids(tmp_path) == [[[1, 0, 2]]]


def test_two_colored_files_are_two_classes(tmp_path: Path) -> None:
    add(tmp_path, "abc")
    for name in "abc":
        Image.fromarray(np.array([[True, False, True], [False, False, True]])).save(tmp_path / f"labels/{name}.png")
    assert class_ids(tmp_path, classes=("no", "yes")) == [[[1, 0, 1], [0, 0, 1]]]


@pytest.mark.parametrize("ending", [".tif", ".bmp", ".PNG"])
def test_labels_may_have_any_lossless_format(tmp_path: Path, ending: str) -> None:
    add(tmp_path, "abc")
    for name in "abc":
        (tmp_path / f"labels/{name}.png").unlink()
        Image.fromarray(LABELS).save(tmp_path / f"labels/{name}{ending}")
    assert class_ids(tmp_path) == [np.where(LABELS == 255, IGNORE, LABELS).tolist()]


RED, GRAY = (255, 0, 0), (128, 128, 128)


def test_colors_are_classes_named_by_their_color(tmp_path: Path) -> None:
    """Also where one file by itself is all gray, as a picture of nothing but background is."""
    add(tmp_path, "abc", np.array([[RED, GRAY, (0, 0, 0)]], np.uint8))
    add(tmp_path, "d", np.array([[GRAY, GRAY]], np.uint8))
    (tmp_path / "train.txt").write_text("a\nd")
    spec = Folder().resolve(tmp_path)
    assert spec.label_space.names == ("#000000", "#808080", "#ff0000")
    assert spec.label_space.colors == ((0, 0, 0), GRAY, RED)
    assert class_ids(tmp_path) == [[[2, 1, 0]], [[1, 1]]]
    add(tmp_path, "d", np.array([[0, 1]], np.uint8))
    with pytest.raises(DataError, match=f"{tmp_path}/labels/d.png: expected colors"):
        spec.build("train", tmp_path)[1]


def test_a_void_color_is_found_that_no_class_has(tmp_path: Path) -> None:
    add(tmp_path, "abc", np.array([[RED, (224, 224, 192)]], np.uint8))
    space = Folder().resolve(tmp_path).label_space
    assert space.void_color not in space.colors


@pytest.mark.parametrize(
    ("labels", "names", "says"),
    [
        ([[0, 1, 2]], ("no", "yes"), "a.png: contains the id 2, but data.classes names the ids 0..1 only"),
        (
            [[0, 255]],
            ("cell",),
            "a.png: the label files contain only 0 and 255, which .*, but data.classes names 1; name two",
        ),
        ([[255]], (), "a.png: all label files contain only 255 .void."),
        ([[*range(0, 255, 2)]], (), "a.png: the label files up to this one contain more than 64 ids"),
        ([[(0, n, 0) for n in range(65)]], (), "a.png: the label files up to this one contain more than 64 colors"),
        ([[(n, n, n) for n in range(64)] + [RED]], (), "a.png: .* more than 64 colors"),
        ([[RED, GRAY]], ("a", "b"), "a.png contains colors, and data.classes does not assign its 2 names to colors"),
    ],
)
def test_labels_that_do_not_say_which_classes_there_are_are_refused(
    tmp_path: Path, labels: Any, names: tuple[str, ...], says: str
) -> None:
    add(tmp_path, "abc", np.array(labels, np.uint8))
    with pytest.raises(DataError, match=f"{tmp_path}/labels/{says}"):
        Folder(classes=names).resolve(tmp_path)


def test_ids_in_some_files_and_colors_in_others_are_refused_with_one_of_each(tmp_path: Path) -> None:
    add(tmp_path, "ab")
    add(tmp_path, "c", np.array([[RED]], np.uint8))
    text = refused(tmp_path)
    assert f"{tmp_path}/labels/a.png contains ids" in text
    assert f"{tmp_path}/labels/c.png contains colors" in text


def test_jpeg_labels_are_refused_for_what_they_are(tmp_path: Path) -> None:
    add(tmp_path, "abc")
    (tmp_path / "labels/b.png").unlink()
    write_image(tmp_path / "labels/b.jpg", (2, 3))
    assert f"{tmp_path}/labels/b.jpg: labels must not be JPEG" in refused(tmp_path)


@pytest.mark.parametrize("count", [3, 250])
def test_a_damaged_label_file_is_named_however_many_there_are(tmp_path: Path, count: int) -> None:
    """Many are read by several processes; the first broken one by name is reported."""
    add(tmp_path, [f"{n:03}" for n in range(count)])
    for name in ("001", "002"):
        (tmp_path / f"labels/{name}.png").write_bytes(b"no picture")
    assert refused(tmp_path).startswith(f"{tmp_path}/labels/001.png")


def test_many_files_give_the_same_classes_as_few(tmp_path: Path) -> None:
    add(tmp_path, [f"{n:03}" for n in range(250)], np.array([[0, 1]], np.uint8))
    add(tmp_path, ["249"], np.array([[3, 255]], np.uint8))
    spec = Folder().resolve(tmp_path)
    assert spec.label_space.raw_ids == (0, 1, 3)
    assert spec.label_space.void == {255: "void"}


@pytest.mark.parametrize("text", ["background,cell", " background , cell ", '["background", "cell"]'])
def test_names_on_the_command_line_have_commas_between_them_or_are_json(text: str) -> None:
    assert Folder().with_values({"classes": text}).classes == ("background", "cell")


@pytest.mark.parametrize("text", ["a,a", "a,,b", "", '["a", 1]', "[a, b]", ",".join(map(str, range(256)))])
def test_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidSpec, match="classes"):
        Folder().with_values({"classes": text})


def test_a_spec_that_was_not_resolved_has_no_classes() -> None:
    with pytest.raises(InvalidSpec, match=r"call resolve\(data_root\) first"):
        _ = Folder().label_space


@pytest.mark.slow
def test_20_000_images_are_listed_without_opening_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is any of them asked for by itself: each folder is read a few times, however many files are in it."""
    classes(tmp_path, CELLS)
    for half, suffix in (("images", ".jpg"), ("labels", ".png")):
        (tmp_path / half).mkdir()
        for n in range(20_000):
            os.close(os.open(tmp_path / half / f"{n:05}{suffix}", os.O_CREAT))
    spec = Folder().resolve(tmp_path)
    calls: Counter[str] = Counter()
    for module, name in ((os, "scandir"), (os, "stat"), (os, "open"), (io, "open"), (builtins, "open")):
        original = getattr(module, name)

        def counted(*args: Any, name: str = name, original: Any = original, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)
    assert sum(len(spec.build(split, tmp_path)) for split in spec.splits) == 20_000
    monkeypatch.undo()
    assert 0 < calls["scandir"] < 40
    assert calls["open"] == 0
    assert calls["stat"] < 100
