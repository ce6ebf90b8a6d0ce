"""Pairs of files: what does not fit together is named with both files."""

from pathlib import Path

import numpy as np
import pytest

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data.files import Pair, PairedFiles, check_some, list_files, pair_up
from tests.data.trees import write_image, write_labels

SPACE = LabelSpace(names=("road", "sky"), colors=((1, 2, 3), (4, 5, 6)), raw_ids=(7, 8), void={0: "void"})


def paired(folder: Path, labels: np.ndarray) -> tuple[PairedFiles, Pair]:
    pair = Pair("a", write_image(folder / "a.png", (4, 6)), write_labels(folder / "a_labels.png", labels))
    return PairedFiles([pair], SPACE), pair


def test_a_size_mismatch_names_both_files_and_both_sizes(tmp_path: Path) -> None:
    split, pair = paired(tmp_path, np.full((6, 4), 7, np.uint8))  # the same number of pixels, on its side
    with pytest.raises(DataError) as error:
        split[0]
    text = str(error.value)
    assert f"{pair.labels}: labels are 4x6" in text
    assert f"their image {pair.image} is 6x4" in text


def test_a_foreign_id_names_the_label_file_and_what_was_expected(tmp_path: Path) -> None:
    labels = np.full((4, 6), 7, np.uint8)
    labels[2, 3] = 9
    split, pair = paired(tmp_path, labels)
    with pytest.raises(DataError, match=rf"{pair.labels}: label ids 9 are outside .*: 0 void, 7 road, 8 sky"):
        split[0]


def test_an_image_that_is_listed_twice_is_refused_by_name(tmp_path: Path) -> None:
    pair = Pair("a", tmp_path / "a.png", tmp_path / "labels" / "a.png")
    for times in (1, 2):
        with pytest.raises(DataError, match=rf"'a' is listed twice \({pair.image}\); every image needs a unique name"):
            PairedFiles([pair, pair._replace(id="b"), *[pair] * times], SPACE)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_are_listed_by_their_path_without_the_ending_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a.PNG", "town/c_label.png", "town/d.jpg", "notes.txt", "a.b.png")
    found = list_files(tmp_path, ("_label.png", ".png", ".jpg"))
    assert [*found] == ["a", "a.b", "b", "town/c", "town/d"]
    assert found["a"] == tmp_path / "a.PNG"
    assert found["town/c"] == tmp_path / "town/c_label.png"


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "._a.png", ".thumbnails/a.png", "a.png")
    assert list_files(tmp_path, (".png",)) == {"a": tmp_path / "a.png"}


def test_two_files_that_differ_in_their_ending_only_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png", "b/a.png")
    with pytest.raises(
        DataError, match=rf"{tmp_path / 'a.jpg'} and {tmp_path / 'a.png'} have the same name; rename or remove one"
    ):
        list_files(tmp_path, (".png", ".jpg"))


def test_pairs_are_in_the_images_order_and_folders_are_part_of_their_ids() -> None:
    images = {stem: Path(f"{stem}.jpg") for stem in ("b/x", "a/x", "c")}
    labels = {stem: Path(f"{stem}.png") for stem in ("a/x", "b/x", "c")}
    pairs = pair_up(images, labels)
    assert [pair.id for pair in pairs] == ["b_x", "a_x", "c"]
    assert all(pair.image.with_suffix(".png") == pair.labels for pair in pairs)


def test_ids_that_become_the_same_are_refused() -> None:
    files = {"a/x": Path("a/x.png"), "a_x": Path("a_x.png")}
    with pytest.raises(DataError, match=r"'a_x' is listed twice as a/x\.png and a_x\.png"):
        PairedFiles(pair_up(files, files), SPACE)


def test_what_has_no_partner_is_named_and_counted() -> None:
    some = {"a": Path("a.png"), "b": Path("b.png"), "c": Path("c.png")}
    only = {"b": Path("b.png")}
    with pytest.raises(DataError, match=r"^a\.png \(and 1 more\): an image without labels"):
        pair_up(some, only)
    with pytest.raises(DataError, match=r"^a\.png \(and 1 more\): labels without an image"):
        pair_up(only, some)


def test_an_empty_split_is_refused_and_any_other_is_left_as_it_is(tmp_path: Path) -> None:
    items = ["b", "a"]
    assert check_some(items, tmp_path, "val") is items
    with pytest.raises(DataError, match=f"{tmp_path}: the split 'val' is empty"):
        check_some([], tmp_path, "val")


def test_labels_are_read_as_the_data_set_says(tmp_path: Path) -> None:
    _, pair = paired(tmp_path, np.zeros((4, 6), np.uint8))
    split = PairedFiles([pair], SPACE, lambda path: np.full((4, 6), 8 if path == pair.labels else 0))
    assert (split[0].labels == 1).all()
