"""Contract of data sets, for every registered one, on a tiny tree of its real layout."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelwise.core.errors import DatasetNotFound, InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data import DATASETS, DataSpec, Sample, SegmentationDataset
from tests.data.trees import TREES

ON_DISK = [kind for kind in DATASETS if TREES.get(kind, "none yet") is not None]


@pytest.fixture(params=DATASETS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def root(kind: str, tmp_path: Path) -> Path:
    if kind not in TREES:
        pytest.fail(f"tests/data/trees.py has no builder for '{kind}': add a tiny tree of its real layout to TREES")
    folder = tmp_path / "data"
    folder.mkdir()
    build = TREES[kind]
    if build:
        build(folder)
    return folder


@pytest.fixture
def spec(kind: str, root: Path) -> DataSpec:
    """As a run stores it."""
    return DATASETS[kind](kind=kind).resolve(root)


def opened(spec: DataSpec, root: Path) -> list[SegmentationDataset]:
    return [spec.build(split, root) for split in spec.splits]


def ends(split: SegmentationDataset) -> list[Sample]:
    """The first and the last sample."""
    return [split[0], split[len(split) - 1]]


def equal(one: Sample, other: Sample) -> bool:
    return torch.equal(one.image, other.image) and torch.equal(one.labels, other.labels) and one.id == other.id


def test_the_spec_carries_its_registered_name_and_its_own_splits(kind: str, spec: DataSpec) -> None:
    assert spec.kind == kind
    assert {spec.train_split, spec.val_split} <= set(spec.splits)
    assert spec.train_split != spec.val_split
    assert set(spec.published_sizes) <= set(spec.splits)


def test_the_spec_survives_json(spec: DataSpec) -> None:
    other = spec.replace(val_split="train")
    assert type(spec).from_json(other.to_json()) == other != spec


def test_a_resolved_spec_needs_no_disk(spec: DataSpec, root: Path) -> None:
    """A run is evaluated and used as what it was trained as, and used where the data is gone."""
    stored = spec.to_json()
    shutil.rmtree(root)
    again = type(spec).from_json(stored)
    assert again.resolve(root) == again == spec
    assert again.label_space == spec.label_space
    assert again.splits == spec.splits


def test_names_and_colors_are_one_for_each_class(spec: DataSpec) -> None:
    space = spec.label_space
    assert len(space.names) == len(space.colors) == space.num_classes
    assert len({*space.colors, space.void_color}) == space.num_classes + 1, "two classes look the same"


def test_raw_ids_survive_the_way_to_class_ids_and_back(spec: DataSpec) -> None:
    space = spec.label_space
    raw = np.array([[*space.raw_ids, *list(space.void)[:1]]])
    classes = space.to_classes(raw)
    assert classes[0, : space.num_classes].tolist() == list(range(space.num_classes))
    assert (classes[0, space.num_classes :] == IGNORE).all()
    assert space.to_raw(classes).tolist() == raw.tolist()


def test_images_are_rgb_bytes_and_labels_are_classes_or_void(spec: DataSpec, root: Path) -> None:
    allowed = {*range(spec.label_space.num_classes), IGNORE}
    seen: set[int] = set()
    for split in opened(spec, root):
        assert split.label_space == spec.label_space
        for image, labels, _ in ends(split):
            assert image.dtype == torch.uint8
            assert labels.dtype in (torch.uint8, torch.int16)
            assert image.shape == (3, *labels.shape)
            assert len(set(image.flatten().tolist())) > 8, "no photograph is that flat: was it scaled to 0..1?"
            seen |= set(labels.flatten().tolist())
    assert IGNORE in seen <= allowed


def test_ids_are_unique_and_fit_for_file_names(spec: DataSpec, root: Path, tmp_path: Path) -> None:
    for split in opened(spec, root):
        assert len(split) == len(split.ids) == len(set(split.ids)) > 0
        assert [s.id for s in ends(split)] == [split.ids[0], split.ids[-1]]
        for name in split.ids:
            (tmp_path / f"{name}.png").touch()
            assert (tmp_path / f"{name}.png").parent == tmp_path
    assert len(list(tmp_path.glob("*.png"))) == len({name for split in opened(spec, root) for name in split.ids})


def test_the_same_item_is_the_same_twice_and_in_another_process(spec: DataSpec, root: Path) -> None:
    for split in opened(spec, root):
        elsewhere: SegmentationDataset = pickle.loads(pickle.dumps(split))  # what a loader's worker gets
        for one, again, other in zip(ends(split), ends(split), ends(elsewhere), strict=True):
            assert equal(one, again)
            assert equal(one, other)


def test_training_and_validation_share_no_image(spec: DataSpec, root: Path) -> None:
    train, val = (spec.build(split, root) for split in (spec.train_split, spec.val_split))
    assert not set(train.ids) & set(val.ids)


def test_an_unknown_split_is_refused_with_a_hint_before_the_disk_is_touched(spec: DataSpec) -> None:
    with pytest.raises(InvalidSpec, match=r"no split 'tarin'\. Did you mean 'train'\?") as error:
        spec.build("tarin", Path("no/such/root"))
    assert all(split in str(error.value) for split in spec.splits)


@pytest.mark.parametrize("kind", ON_DISK)
def test_a_missing_folder_prints_the_tree_that_the_loader_reads_and_its_source(
    spec: DataSpec, root: Path, tmp_path: Path
) -> None:
    folders = {folder for folder in root.rglob("*") if folder.is_dir()}
    for split in spec.splits:
        with pytest.raises(DatasetNotFound, match="PIXELWISE_DATA") as error:
            spec.build(split, tmp_path / "nowhere")
        text = str(error.value)
        assert str(tmp_path / "nowhere") in text
        assert all(f"{folder.name}/" in text for folder in folders)
        assert (
            "docs/own_data.md" if spec.kind == "folder" else "Get it from http"
        ) in text  # one's own is nowhere else


@pytest.mark.parametrize("kind", ON_DISK)
def test_every_folder_is_missed_by_name(spec: DataSpec, root: Path, tmp_path: Path) -> None:
    for folder in [f for f in root.rglob("*") if f.is_dir()]:
        folder.rename(tmp_path / "aside")
        with pytest.raises(DatasetNotFound, match=f"there is no {folder}"):
            opened(spec, root)
        (tmp_path / "aside").rename(folder)
    opened(spec, root)
