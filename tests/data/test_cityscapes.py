"""Cityscapes against torchvision's table of labels and its reader."""

from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Cityscapes
from tests.data.trees import cityscapes, write_image, write_labels

THEIRS = {label.id: label for label in datasets.Cityscapes.classes if label.id >= 0}
TRAIN, ALL = Cityscapes().label_space, Cityscapes(classes="all").label_space
LIGHTER = {"ego vehicle", "rectification border", "out of roi", "static", "polegroup"}
"""Classes that share a color with another officially."""


def test_the_34_classes_are_torchvisions() -> None:
    assert ALL.raw_ids == tuple(THEIRS) == tuple(range(34))
    assert ALL.names == tuple(label.name for label in THEIRS.values())
    assert set(ALL.ignored_in_evaluation) == {label.name for label in THEIRS.values() if label.ignore_in_eval}
    assert not ALL.void


def test_the_19_classes_are_torchvisions_train_ids() -> None:
    for raw, label in THEIRS.items():
        classes = TRAIN.to_classes(np.array([[raw]]))
        assert classes == label.train_id, "where 255 is IGNORE"
        assert TRAIN.void.get(raw) == (label.name if label.train_id == IGNORE else None)
    assert TRAIN.names == tuple(THEIRS[raw].name for raw in TRAIN.raw_ids)
    assert TRAIN.to_raw(np.array([[IGNORE, 0, 18]], np.uint8)).tolist() == [[0, 7, 33]]


def test_colors_are_the_official_ones_and_those_that_look_alike_a_little_lighter() -> None:
    for ours, label in zip(ALL.colors, THEIRS.values(), strict=True):
        lighter = [one - other for one, other in zip(ours, label.color, strict=True)]
        assert (min(lighter) > 0 and max(lighter) <= 32) if label.name in LIGHTER else ours == label.color
    assert TRAIN.colors == tuple(THEIRS[raw].color for raw in TRAIN.raw_ids)
    assert TRAIN.void_color == (0, 0, 0)


def test_categories_are_the_official_ones_of_the_evaluated_classes() -> None:
    evaluated = [label for label in THEIRS.values() if not label.ignore_in_eval]
    categories = {
        name: tuple(c.name for c in evaluated if c.category == name) for name in {c.category for c in evaluated}
    }
    assert TRAIN.groups == ALL.groups == {"category": categories}


@pytest.mark.parametrize("folder", ["cityscapes", "Cityscapes"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_torchvision_reads_the_same_pixels_and_ids(tmp_path: Path, folder: str, split: str) -> None:
    """Instance ids, color pictures and polygons lie beside the label ids, as upstream has them."""
    cityscapes(tmp_path, folder)
    ours = Cityscapes(classes="all").build(split, tmp_path)
    theirs = datasets.Cityscapes(str(tmp_path / folder), split=split, target_type="semantic")
    files = [Path(file).name for file in theirs.images]
    assert sorted(ours.ids) == sorted(name.removesuffix("_leftImg8bit.png") for name in files)
    for i, name in enumerate(ours.ids):
        image, labels = theirs[files.index(f"{name}_leftImg8bit.png")]
        assert np.array_equal(ours[i].image.permute(1, 2, 0), image)
        assert np.array_equal(ours[i].labels, labels)


def test_why_there_is_no_test_split_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="no split 'test': its labels are not public; evaluate on val"):
        Cityscapes().build("test", tmp_path)


def test_an_image_without_labels_is_named(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    image = write_image(tmp_path / "cityscapes/leftImg8bit/val/lindau/lindau_000009_000019_leftImg8bit.png", (4, 4))
    with pytest.raises(DataError, match=f"{image}: an image without labels"):
        Cityscapes().build("val", tmp_path)


def test_a_city_that_was_unpacked_on_one_side_only_is_named(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    write_image(tmp_path / "cityscapes/leftImg8bit/val/munster/munster_000009_000019_leftImg8bit.png", (4, 4))
    with pytest.raises(DatasetNotFound, match=f"there is no {tmp_path / 'cityscapes/gtFine/val/munster'}"):
        Cityscapes().build("val", tmp_path)


def test_a_frame_that_lies_in_two_cities_is_refused_by_name(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    for kind in ("leftImg8bit", "gtFine"):
        for file in (tmp_path / "cityscapes" / kind / "val/lindau").iterdir():
            file.rename(tmp_path / "cityscapes" / kind / "val/frankfurt" / file.name)
            file.hardlink_to(tmp_path / "cityscapes" / kind / "val/frankfurt" / file.name)
    with pytest.raises(DataError, match="'lindau_000000_000019' is listed twice"):
        Cityscapes().build("val", tmp_path)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    for kind in ("leftImg8bit", "gtFine"):
        (tmp_path / "cityscapes" / kind / "val").mkdir(parents=True)
    with pytest.raises(DataError, match="the split 'val' is empty"):
        Cityscapes().build("val", tmp_path)


def test_train_ids_in_place_of_label_ids_are_refused(tmp_path: Path) -> None:
    """A common accident: files of train ids, whose void is 255, under the name of label ids."""
    cityscapes(tmp_path)
    path = tmp_path / "cityscapes/gtFine/val/lindau/lindau_000000_000019_gtFine_labelIds.png"
    write_labels(path, np.full((12, 48), 255, np.uint8))
    split = Cityscapes().build("val", tmp_path)
    with pytest.raises(DataError, match=f"{path}: label ids 255 are outside"):
        split[split.ids.index("lindau_000000_000019")]
