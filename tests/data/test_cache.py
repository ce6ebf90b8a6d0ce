"""Cache of decoded splits: equal to the split, and never out of date."""

import os
import pickle
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from pixelwise.core.errors import DataError
from pixelwise.data import DATASETS, DataSpec, Shapes, cache, files
from pixelwise.data.base import SegmentationDataset
from pixelwise.data.cache import DecodedSplit, with_cache
from tests.data.trees import TREES

KINDS = [kind for kind, plant in TREES.items() if plant]


def plant(kind: str, root: Path) -> tuple[DataSpec, SegmentationDataset]:
    TREES[kind](root)  # type: ignore[misc]  # it has a tree
    spec = DATASETS[kind].model_validate({"kind": kind}).resolve(root)
    return spec, spec.build(spec.train_split, root)


def caches() -> list[str]:
    return sorted(file.suffix for file in cache.folder().iterdir()) if cache.folder().is_dir() else []


def same(one: SegmentationDataset, other: SegmentationDataset) -> bool:
    assert list(one.ids) == list(other.ids)
    assert one.label_space == other.label_space
    pairs = [(one[i], other[i]) for i in range(len(one))]
    return all(torch.equal(a.image, b.image) and torch.equal(a.labels, b.labels) and a.id == b.id for a, b in pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_decoded_split_is_the_split(kind: str, workers: int, tmp_path: Path) -> None:
    spec, split = plant(kind, tmp_path)
    found = with_cache(split, spec, workers)
    assert isinstance(found, DecodedSplit)
    assert isinstance(found, SegmentationDataset)
    assert same(found, split)


def test_the_second_time_no_file_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, split = plant("voc2012", tmp_path)
    first = [split[i] for i in range(len(split))]
    with_cache(split, spec)
    monkeypatch.setattr(files, "read_image", lambda _: pytest.fail("an image was decoded"))
    again = with_cache(split, spec)
    assert all(torch.equal(a.image, b.image) for a, b in zip(first, (again[i] for i in range(len(again))), strict=True))


def test_other_bytes_have_another_cache_even_with_the_same_size_and_date(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    with_cache(split, spec)
    assert isinstance(split, files.PairedFiles)
    file = split.pairs[0].image
    before = file.stat()
    pixels = Image.open(file).convert("RGB")
    turned = pixels.transpose(Image.Transpose.ROTATE_180)
    turned.save(file)
    os.truncate(file, max(before.st_size, file.stat().st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = with_cache(split, spec)
    assert same(again, split)
    assert caches().count(".bin") == 2


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    found = with_cache(split, spec)
    assert isinstance(found, DecodedSplit)
    os.truncate(found.file, 10)
    assert same(with_cache(split, spec), split)
    found.file.with_suffix(".json").write_text("[[")
    assert same(with_cache(split, spec), split)


def test_what_is_changed_in_a_sample_stays_in_it(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    with_cache(split, spec)[0].image.zero_()
    assert same(with_cache(split, spec), split)


def test_a_worker_is_sent_the_place_and_not_the_pixels(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    found = with_cache(split, spec)
    found[0]
    sent = pickle.loads(pickle.dumps(found))
    assert sent._bytes is None
    assert same(sent, split)


def test_with_a_full_disk_the_split_itself_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, split = plant("camvid", tmp_path)
    monkeypatch.setattr(cache, "RESERVE", 2**62)
    assert with_cache(split, spec) is split
    assert not caches()


def test_where_no_folder_can_be_made_the_split_itself_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, split = plant("camvid", tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "file"))
    assert with_cache(split, spec) is split


def test_what_no_digest_covers_is_not_kept(tmp_path: Path) -> None:
    shapes = Shapes(images=2)
    made = shapes.build("train", tmp_path)
    assert with_cache(made, shapes) is made
    spec, split = plant("camvid", tmp_path)
    assert with_cache(split, spec.model_copy(update={"kind": "mine.py:Mine"})) is split


def test_a_damaged_image_is_reported_and_nothing_is_cached(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    assert isinstance(split, files.PairedFiles)
    last = split.pairs[-1].image
    last.write_bytes(last.read_bytes()[:60])
    with pytest.raises(DataError, match=last.name):
        with_cache(split, spec)
    assert not caches()


def test_a_split_with_a_missing_file_is_not_cached(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    assert isinstance(split, files.PairedFiles)
    split.pairs[0].image.unlink()
    assert with_cache(split, spec) is split


def test_a_cache_that_nobody_used_for_a_month_goes_when_another_is_made(tmp_path: Path) -> None:
    spec, split = plant("camvid", tmp_path)
    old = with_cache(split, spec)
    assert isinstance(old, DecodedSplit)
    long_ago = time.time() - cache.KEPT - 1
    os.utime(old.file, (long_ago, long_ago))
    other, others = plant("voc2012", tmp_path)
    with_cache(others, other)
    assert not old.file.exists()
    assert caches() == [".bin", ".json"]
