"""CamVid as people have it on disk: with and without list files, as PNG or JPEG."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelwise.core.errors import BadData
from pixelwise.core.labels import IGNORE
from pixelwise.data import CamVid
from tests.data.trees import SPLITS, camvid, write_image


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("folder", ["camvid", "CamVid"])
def test_every_layout_gives_the_same_ids_and_its_own_pixels(
    tmp_path: Path, suffix: str, lists: bool, folder: str
) -> None:
    """Upstream's lists say .png; copies with .jpg images keep them."""
    camvid(tmp_path, suffix, lists, folder)
    split = CamVid().build("val", tmp_path)
    assert split.ids == ["0016E5_01030", "0016E5_01130"]
    stored = np.array(Image.open(tmp_path / folder / "val" / f"{split.ids[1]}{suffix}"))
    assert torch.equal(split[1].image.permute(1, 2, 0), torch.from_numpy(stored))


def test_eleven_is_void_and_the_rest_are_class_ids(tmp_path: Path) -> None:
    camvid(tmp_path)
    raw = np.array(Image.open(tmp_path / "camvid/trainannot/0016E5_00030.png"))
    labels = CamVid().build("train", tmp_path)[0].labels.numpy()
    assert (raw == 11).any()
    assert np.array_equal(labels, np.where(raw == 11, IGNORE, raw))


def test_a_list_file_decides_which_images_and_in_what_order(tmp_path: Path) -> None:
    camvid(tmp_path)
    assert len(CamVid().build("train", tmp_path)) == SPLITS["train"]
    (tmp_path / "camvid/train.txt").write_text(
        "\n/x/train/0016E5_00230.png /x/trainannot/0016E5_00230.png\r\n"
        "/x/train/0016E5_00030.png /x/trainannot/0016E5_00030.png\r\n\r\n"
    )
    assert CamVid().build("train", tmp_path).ids == ["0016E5_00230", "0016E5_00030"]


def test_files_that_are_no_images_are_left_alone(tmp_path: Path) -> None:
    camvid(tmp_path)
    for name in ("Thumbs.db", "notes.txt", ".DS_Store"):
        (tmp_path / "camvid/train" / name).touch()
    assert len(CamVid().build("train", tmp_path)) == SPLITS["train"]


def test_an_image_that_lies_there_twice_is_one_sample(tmp_path: Path) -> None:
    camvid(tmp_path, ".jpg")
    png = write_image(tmp_path / "camvid/val/0016E5_01030.png", (12, 16), seed=99)
    split = CamVid().build("val", tmp_path)
    assert len(split) == SPLITS["val"]
    assert torch.equal(split[0].image.permute(1, 2, 0), torch.from_numpy(np.array(Image.open(png)))), "PNG is exact"


def test_a_listed_image_that_is_absent_is_named(tmp_path: Path) -> None:
    camvid(tmp_path, lists=True)
    gone = tmp_path / "camvid/val/0016E5_01130.png"
    gone.unlink()
    with pytest.raises(BadData, match=f"{gone}: there is no such file"):
        CamVid().build("val", tmp_path)[1]


def test_an_image_without_labels_is_named(tmp_path: Path) -> None:
    camvid(tmp_path)
    gone = tmp_path / "camvid/valannot/0016E5_01130.png"
    gone.unlink()
    with pytest.raises(BadData, match=f"{gone}: there is no such file"):
        CamVid().build("val", tmp_path)[1]


@pytest.mark.parametrize("lists", [True, False])
def test_an_empty_split_is_refused_naming_what_is_empty(tmp_path: Path, lists: bool) -> None:
    camvid(tmp_path, lists=lists)
    for image in (tmp_path / "camvid/test").iterdir():
        image.unlink()
    if lists:
        (tmp_path / "camvid/test.txt").write_text("\n")
    empty = tmp_path / "camvid" / ("test.txt" if lists else "test")
    with pytest.raises(BadData, match=f"{empty}: the split 'test' of CamVid is empty"):
        CamVid().build("test", tmp_path)
