"""Statistics of data sets: splits on disk, missing splits, and unions of splits."""

from io import StringIO
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec, RunError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data import CamVid, DataSpec, SegmentationDataset, Shapes, Voc2012
from pixelwise.data.base import Sample
from pixelwise.data.statistics import DatasetStatistics, measure
from pixelwise.reporting.tables import statistics_tables
from pixelwise.workflows.stats import spec_of, stats
from tests.data import trees
from tests.data.memory import SPACE, InMemory


class Ids(DataSpec):
    """Black images of the given ids, in memory."""

    kind: str = "ids"
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    @property
    def label_space(self) -> LabelSpace:
        return SPACE

    def build(self, split: str, root: Path) -> SegmentationDataset:
        self.check_split(split)
        image, labels = torch.zeros(3, 2, 2, dtype=torch.uint8), torch.zeros(2, 2, dtype=torch.uint8)
        return InMemory([Sample(image, labels, name) for name in getattr(self, split)])


def text(result: DatasetStatistics, width: int = 100) -> str:
    """The tables as text."""
    console = Console(file=StringIO(), width=width, soft_wrap=True)
    console.print(*statistics_tables(result), markup=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_split_is_measured(tmp_path: Path) -> None:
    trees.camvid(tmp_path)
    result = stats(CamVid(), tmp_path)
    assert list(result.splits) == ["train", "val", "test"]
    for split, found in result.splits.items():
        assert found.statistics == measure(CamVid().build(split, tmp_path))
        assert found.class_images == (trees.SPLITS[split],) * 11, "each image of the tree has every class"
        assert found.sizes == {"16x12": trees.SPLITS[split]}
    assert (result.not_there, result.unions) == ((), {})
    assert list(tmp_path.iterdir()) == [tmp_path / "camvid"], "without a folder for it, nothing is written"


def test_missing_splits_and_unions_are_named(tmp_path: Path) -> None:
    trees.voc(tmp_path, 2012, ("train", "val"))
    result = stats(Voc2012(), tmp_path)
    assert list(result.splits) == ["train", "val"]
    assert result.not_there == ("test",)
    assert result.unions == {"trainval": ("train", "val")}
    assert result.published_images == {"train": 1464, "val": 1449}


def test_requested_splits_are_read_even_if_they_are_unions(tmp_path: Path) -> None:
    trees.voc(tmp_path, 2012, ("train", "val"))
    result = stats(Voc2012(), tmp_path, splits=["trainval"])
    assert {split: found.statistics.images for split, found in result.splits.items()} == {"trainval": 5}
    with pytest.raises(DatasetNotFound, match=r"test\.txt"):
        stats(Voc2012(), tmp_path, splits=["train", "test"])
    with pytest.raises(InvalidSpec, match="Did you mean 'trainval'"):
        stats(Voc2012(), tmp_path, splits=["trainvall"])


@pytest.mark.parametrize(
    ("train", "val", "test", "unions"),
    [
        ("abcd", "ab", "cd", {"train": ("val", "test")}),
        ("abcd", "ab", "c", {}),  # d is in train alone
        ("abc", "ab", "bc", {}),  # numbered anew in each split: b would be there twice
        ("abc", "ab", "z", {}),
        ("ab", "ab", "ab", {}),
    ],
)
def test_a_union_has_exactly_the_ids_of_smaller_splits(
    train: str, val: str, test: str, unions: dict[str, tuple[str, ...]]
) -> None:
    result = stats(Ids(train=tuple(train), val=tuple(val), test=tuple(test)), Path())
    assert result.unions == unions
    assert set(result.splits) == {"train", "val", "test"} - set(unions)


def test_a_missing_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound, match="Expected below the data root"):
        stats(CamVid(), tmp_path, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_an_error_and_no_folder_is_written(tmp_path: Path) -> None:
    trees.camvid(tmp_path)
    victim = next((tmp_path / "camvid" / "val").iterdir())
    victim.write_bytes(victim.read_bytes()[:40])
    with pytest.raises(DataError, match=victim.name):
        stats(CamVid(), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("here")
    with pytest.raises(RunError, match="not empty"):
        stats(CamVid(), tmp_path / "no data is looked for", tmp_path)


def test_the_folder_contains_the_figures_and_the_result(tmp_path: Path) -> None:
    result = stats(Shapes(size=(32, 32), images=5), tmp_path, tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    assert sorted(path.name for path in out.iterdir()) == ["classes.png", "samples.png", "statistics.json"]
    assert DatasetStatistics.from_json((out / "statistics.json").read_text()) == result
    pixels = {path.name: np.array(Image.open(path).convert("RGB")) for path in out.glob("*.png")}
    for name, color in zip(result.label_space.names, result.label_space.colors, strict=True):
        if result.splits["train"].class_images[result.label_space.class_id(name)]:
            assert (pixels["classes.png"] == color).all(axis=-1).any(), name
    assert (pixels["samples.png"] == result.label_space.colors[0]).all(axis=-1).sum() > 9 * 10_000, (
        "background in each row"
    )


def test_tables_fit_a_terminal_and_name_subsets(tmp_path: Path) -> None:
    trees.voc(tmp_path, 2012, ("train", "val"))
    shown = text(stats(Voc2012(), tmp_path))
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert max(map(len, shown.splitlines())) <= 100
    assert "subset of 1464 17x15 (1)" in lines, "the second line of train, of three sizes"
    assert "test missing" in lines
    assert "trainval train + val" in lines
    row = next(line for line in lines if line.startswith("person "))
    assert row.split()[2::2] == ["3", "2"], "all images of the tree have every class"


def test_many_sizes_are_shown_by_their_range_and_median(tmp_path: Path) -> None:
    camvid = tmp_path / "camvid"
    for i, size in enumerate([(5, 40), (6, 10), (7, 30), (8, 20), (9, 50)]):
        trees.write_image(camvid / "train" / f"{i}.png", size)
        trees.write_labels(camvid / "trainannot" / f"{i}.png", np.zeros(size, np.uint8))
    shown = text(stats(CamVid(), tmp_path))
    for part in ("5 sizes", "10–50 x 5–9", "median 30x7", "subset of 367", "missing"):
        assert part in shown


def test_a_kind_and_its_fields_give_the_spec() -> None:
    assert spec_of("shapes", {"images": "7", "size": "[32,48]"}) == Shapes(images=7, size=(32, 48))
    with pytest.raises(InvalidSpec, match=r"no data set is called 'shape'\. Did you mean 'shapes'"):
        spec_of("shape", {})
    with pytest.raises(InvalidSpec, match="there is no field 'pictures'"):
        spec_of("shapes", {"pictures": "7"})


@pytest.mark.slow
@pytest.mark.real_data
def test_camvid_and_the_voc_subset_on_disk(real_data: Path, tmp_path: Path) -> None:
    camvid = stats(CamVid(), real_data, splits=["val"])
    assert camvid.splits["val"].sizes == {"480x360": 101}
    voc = stats(Voc2012(), real_data, tmp_path / "voc")
    assert (voc.not_there, voc.unions) == (("test",), {"trainval": ("train", "val")})
    train = voc.splits["train"]
    absent = [name for name, images in zip(voc.label_space.names, train.class_images, strict=True) if not images]
    assert absent == ["bicycle", "motorbike"]
    assert sum(train.sizes.values()) == train.statistics.images < voc.published_images["train"]
