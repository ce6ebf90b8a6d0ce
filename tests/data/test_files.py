"""Pairs of files: what does not fit together is named with both files."""

from pathlib import Path

import numpy as np
import pytest

from pixelwise.core.errors import BadData
from pixelwise.core.labels import LabelSpace
from pixelwise.data.files import Pair, PairedFiles
from tests.data.trees import write_image, write_labels

SPACE = LabelSpace(names=("road", "sky"), colours=((1, 2, 3), (4, 5, 6)), raw_ids=(7, 8), void={0: "void"})


def paired(folder: Path, labels: np.ndarray) -> tuple[PairedFiles, Pair]:
    pair = Pair("a", write_image(folder / "a.png", (4, 6)), write_labels(folder / "a_labels.png", labels))
    return PairedFiles([pair], SPACE), pair


def test_a_size_mismatch_names_both_files_and_both_sizes(tmp_path: Path) -> None:
    split, pair = paired(tmp_path, np.full((6, 4), 7, np.uint8))  # the same number of pixels, on its side
    with pytest.raises(BadData) as error:
        split[0]
    text = str(error.value)
    assert f"{pair.labels}: labels are 4x6" in text
    assert f"their image {pair.image} is 6x4" in text


def test_a_foreign_id_names_the_label_file_and_what_was_expected(tmp_path: Path) -> None:
    labels = np.full((4, 6), 7, np.uint8)
    labels[2, 3] = 9
    split, pair = paired(tmp_path, labels)
    with pytest.raises(BadData, match=rf"{pair.labels}: label ids 9 are outside .*: 0 void, 7 road, 8 sky"):
        split[0]


def test_an_image_that_is_listed_twice_is_refused_by_name(tmp_path: Path) -> None:
    pair = Pair("a", tmp_path / "a.png", tmp_path / "labels" / "a.png")
    with pytest.raises(BadData, match=r"'a' is listed twice"):
        PairedFiles([pair, pair._replace(id="b"), pair], SPACE)
