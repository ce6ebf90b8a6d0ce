"""Preparation of a data set: both splits are opened, decoded once and measured once."""

from pathlib import Path

import pytest
import torch

from pixelwise.core.errors import DatasetNotFound, InvalidSpec
from pixelwise.data import CamVid, Shapes, cache, prepare
from pixelwise.data.cache import DecodedSplit
from pixelwise.data.files import PairedFiles
from pixelwise.data.statistics import Statistics, measure
from tests.data.trees import SPLITS, camvid


def test_splits_are_decoded_into_the_cache_and_statistics_are_those_of_the_training_split(tmp_path: Path) -> None:
    camvid(tmp_path)
    spec = CamVid()
    splits = prepare.prepare(spec, tmp_path, workers=0)
    assert isinstance(splits.train, DecodedSplit)
    assert isinstance(splits.val, DecodedSplit)
    assert (len(splits.train), len(splits.val)) == (SPLITS["train"], SPLITS["val"])
    assert splits.label_space == spec.label_space
    assert splits.statistics == measure(spec.build("train", tmp_path))
    assert splits.statistics != measure(spec.build("val", tmp_path))


def test_workers_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camvid(tmp_path)
    alone = prepare.prepare(CamVid(), tmp_path, workers=0)
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "another cache"))
    shared = prepare.prepare(CamVid(), tmp_path, workers=2)
    assert shared.statistics == alone.statistics
    for one, other in ((alone.train, shared.train), (alone.val, shared.val)):
        assert list(one.ids) == list(other.ids)
        for index in range(len(one)):
            assert torch.equal(one[index].image, other[index].image)
            assert torch.equal(one[index].labels, other[index].labels)


def test_given_statistics_are_kept_and_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camvid(tmp_path)
    monkeypatch.setattr(prepare, "measure", lambda *_: pytest.fail("the training split was measured"))
    given = Statistics(images=3, pixel_counts=(1,) * 11, void_pixels=0, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert prepare.prepare(CamVid(), tmp_path, 0, given).statistics is given


def test_splits_are_those_that_the_spec_names(tmp_path: Path) -> None:
    camvid(tmp_path)
    train, val = prepare.open_splits(CamVid(train_split="val", val_split="test"), tmp_path)
    assert (len(train), len(val)) == (SPLITS["val"], SPLITS["test"])
    assert list(train.ids) == CamVid().build("val", tmp_path).ids


def test_opening_splits_reads_no_image_and_writes_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camvid(tmp_path)
    monkeypatch.setattr(PairedFiles, "__getitem__", lambda *_: pytest.fail("a sample was read"))
    prepare.open_splits(CamVid(), tmp_path)
    assert not list(cache.folder().iterdir())


def test_a_split_that_cannot_be_cached_is_used_as_it_is(tmp_path: Path) -> None:
    splits = prepare.prepare(Shapes(size=(32, 32), images=4), tmp_path, workers=0)
    assert not isinstance(splits.train, DecodedSplit)
    assert splits.statistics.images == len(splits.train) == 4
    assert splits.label_space == Shapes().label_space


def test_an_unknown_split_and_missing_data_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound, match=f"CamVid was not found: there is no {tmp_path}/camvid/train"):
        prepare.prepare(CamVid(), tmp_path, workers=0)
    camvid(tmp_path)
    with pytest.raises(InvalidSpec, match="camvid has no split 'tset'"):
        prepare.prepare(CamVid(val_split="tset"), tmp_path, workers=0)
