"""PASCAL VOC: palette indices are ids, 255 is void, lists decide the splits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import VOCSegmentation

from pixelwise.core.errors import DataError, DatasetNotFound
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Voc2007, Voc2012
from pixelwise.data.voc import voc_color
from tests.data.trees import SPLITS, voc, voc_palette

KNOWN = {"background": (0, 0, 0), "aeroplane": (128, 0, 0), "person": (192, 128, 128), "tvmonitor": (0, 64, 128)}
"""As the development kit's guide shows them."""


def test_the_colors_are_the_development_kits() -> None:
    space = Voc2012().label_space
    assert {name: space.colors[space.class_id(name)] for name in KNOWN} == KNOWN
    assert space.void_color == (224, 224, 192)
    assert [level for index in range(256) for level in voc_color(index)] == voc_palette()


@pytest.mark.parametrize("year", [2007, 2012])
@pytest.mark.parametrize("split", ["train", "val", "trainval", "test"])
def test_torchvision_reads_the_same_pixels_and_ids(tmp_path: Path, year: int, split: str) -> None:
    voc(tmp_path, year)
    ours = {2007: Voc2007(), 2012: Voc2012()}[year].build(split, tmp_path)
    if split == "test" and year == 2012:  # torchvision knows no such split
        assert len(ours) == SPLITS["test"]
        return
    theirs = VOCSegmentation(tmp_path, year=str(year), image_set=split)
    assert len(ours) == len(theirs)
    for sample, (image, labels) in zip([ours[i] for i in range(len(ours))], theirs, strict=True):
        assert labels.mode == "P"
        assert np.array_equal(sample.image.permute(1, 2, 0), image)
        assert np.array_equal(sample.labels, labels), "ids 0..20 are class ids and 255 is IGNORE already"
        assert (sample.labels == IGNORE).any()


def test_colors_instead_of_ids_are_refused(tmp_path: Path) -> None:
    """A common accident: label files that were saved again as RGB."""
    voc(tmp_path, 2007)
    labels = tmp_path / "VOCdevkit/VOC2007/SegmentationClass/2007_000000.png"
    Image.open(labels).convert("RGB").save(labels)
    with pytest.raises(DataError, match=rf"{labels}: expected label ids .* found an image of mode RGB"):
        Voc2007().build("train", tmp_path)[0]


def test_the_absent_labels_of_2012s_test_split_are_explained(tmp_path: Path) -> None:
    voc(tmp_path, 2012, splits=("train", "val"))
    with pytest.raises(DatasetNotFound, match=r"test\.txt(.|\n)*not public: evaluate on val"):
        Voc2012().build("test", tmp_path)
    voc(tmp_path, 2007, splits=("train", "val"))
    with pytest.raises(DatasetNotFound) as error:
        Voc2007().build("test", tmp_path)
    assert "not public" not in str(error.value), "2007 published its own"


def test_each_year_looks_in_its_own_folder(tmp_path: Path) -> None:
    voc(tmp_path, 2007)
    with pytest.raises(DatasetNotFound, match="VOC2012"):
        Voc2012().build("train", tmp_path)


def test_an_empty_list_is_named(tmp_path: Path) -> None:
    voc(tmp_path, 2012)
    listing = tmp_path / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt"
    listing.write_text("\n\n")
    with pytest.raises(DataError, match=f"{listing}: the split 'val' is empty"):
        Voc2012().build("val", tmp_path)
