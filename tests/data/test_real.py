"""The real data sets, where PIXELWISE_DATA has them: their sizes, and a sample of every split."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from pixelwise.core.label_space import IGNORE
from pixelwise.data import DATASETS, CamVid, Cityscapes
from pixelwise.data.camvid_original import split_of
from pixelwise.data.files import PairedFiles

pytestmark = pytest.mark.real_data

COUNTS = {
    ("camvid", "train"): 367, ("camvid", "val"): 101, ("camvid", "test"): 233,
    ("idd_lite", "train"): 1403, ("idd_lite", "val"): 204,
    ("cityscapes", "train"): 3,
    ("voc2012", "train"): 463, ("voc2012", "val"): 286,
    ("voc2007", "train"): 60, ("voc2007", "val"): 67, ("voc2007", "test"): 56, ("voc2007", "trainval"): 127,
}  # fmt: skip
"""CamVid and IDD-Lite whole; of Cityscapes and VOC, the subsets that are at hand."""


def skip_where_links_are_text(dataset: PairedFiles) -> None:
    """The VOC 2007 files at hand are links into VOC 2012; some ways of copying make text files of links."""
    image = dataset.pairs[0].image
    if image.stat().st_size < 200 and (image.parent / image.read_text().strip()).is_file():
        pytest.skip(f"{image} holds the path of another file: a link that was copied as text")


@pytest.mark.parametrize(("kind", "split"), COUNTS)
def test_a_split_is_whole_and_its_samples_are_valid(real_data: Path, kind: str, split: str) -> None:
    dataset = DATASETS[kind](kind=kind).build(split, real_data)
    assert isinstance(dataset, PairedFiles)
    assert len(dataset) == len(set(dataset.ids)) == COUNTS[kind, split]
    skip_where_links_are_text(dataset)
    for index in range(0, len(dataset), max(1, len(dataset) // 4)):
        image, labels, _ = dataset[index]
        assert image.shape == (3, *labels.shape)
        assert image.shape == (3, 360, 480) or kind != "camvid"
        assert set(labels.flatten().tolist()) <= {*range(dataset.label_space.num_classes), IGNORE}
        assert labels.min() < labels.max()
        assert image.float().std() > 10


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_label_file_of_camvid_has_an_image(real_data: Path, split: str) -> None:
    dataset = CamVid().build(split, real_data)
    assert isinstance(dataset, PairedFiles)
    folder = dataset.pairs[0].labels.parent
    assert sorted(dataset.ids) == sorted(file.stem for file in folder.glob("*.png"))


@pytest.mark.parametrize("kind", ["voc2007", "voc2012"])
def test_the_palette_of_voc_files_is_the_label_spaces(real_data: Path, kind: str) -> None:
    dataset = DATASETS[kind](kind=kind).build("train", real_data)
    assert isinstance(dataset, PairedFiles)
    skip_where_links_are_text(dataset)
    palette = Image.open(dataset.pairs[0].labels).getpalette()
    assert palette is not None
    space = dataset.label_space
    assert palette[: 3 * space.num_classes] == [level for color in space.colors for level in color]
    assert tuple(palette[-3:]) == space.void_color


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_split_of_camvids_original_release_is_that_of_the_segnet_layout(real_data: Path, split: str) -> None:
    """Both hold the same 701 frames, so that the names alone decide."""
    frames = [Path(f"{name}.png") for name in CamVid().build(split, real_data).ids]
    assert len(frames) == CamVid.published_sizes[split]
    assert {split_of(frame) for frame in frames} == {split}


def test_both_spaces_of_cityscapes_read_the_same_labels(real_data: Path) -> None:
    few, all_ = (Cityscapes(classes=classes).build("train", real_data) for classes in ("train", "all"))
    assert few.ids == all_.ids == [f"aachen_00000{i}_000019" for i in range(3)]
    for i in range(3):
        raw, labels = all_[i].labels, few[i].labels
        evaluated = torch.tensor(
            [few.label_space.class_id(n) if n in few.label_space.names else IGNORE for n in all_.label_space.names]
        )
        assert torch.equal(evaluated[raw.long()], labels.long())
        assert (labels != IGNORE).float().mean() > 0.7
