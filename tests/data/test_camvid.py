"""CamVid as people have it on disk: with and without list files, as PNG or JPEG; and as first released, painted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelwise.core.errors import DataError, InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data import CamVid, CamVidOriginal
from pixelwise.data.camvid_original import COLORS, ORIGINAL
from pixelwise.data.images import colors_to_ids
from tests.data.trees import CAMVID_COLORS, SPLITS, camvid, camvid_original, write_image, write_labels


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


def test_a_drive_that_is_held_out_is_a_split_of_its_own(tmp_path: Path) -> None:
    camvid(tmp_path)
    for kind, end in (("train", "png"), ("trainannot", "png")):
        file = tmp_path / f"camvid/{kind}/0016E5_00030.{end}"
        file.rename(file.with_name(f"0006R0_f00930.{end}"))
    data, whole = CamVid(held_out="0006R0"), CamVid()
    assert data.build("held_out", tmp_path).ids == ["0006R0_f00930"]
    assert data.build("train", tmp_path).ids == [i for i in whole.build("train", tmp_path).ids if "0006R0" not in i]
    assert data.build("val", tmp_path).ids == whole.build("val", tmp_path).ids
    with pytest.raises(InvalidSpec, match="no split 'held_out'"):
        whole.build("held_out", tmp_path)


def test_files_that_are_no_images_are_left_alone(tmp_path: Path) -> None:
    camvid(tmp_path)
    for name in ("Thumbs.db", "notes.txt", ".DS_Store"):
        (tmp_path / "camvid/train" / name).touch()
    assert len(CamVid().build("train", tmp_path)) == SPLITS["train"]


def test_an_image_that_lies_there_twice_is_refused_naming_both(tmp_path: Path) -> None:
    camvid(tmp_path, ".jpg")
    png = write_image(tmp_path / "camvid/val/0016E5_01030.png", (12, 16), seed=99)
    with pytest.raises(DataError, match=f"{png.with_suffix('.jpg')} and {png} have the same name"):
        CamVid().build("val", tmp_path)


def test_a_listed_image_that_is_absent_is_named(tmp_path: Path) -> None:
    camvid(tmp_path, lists=True)
    gone = tmp_path / "camvid/val/0016E5_01130.png"
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone}: there is no such file"):
        CamVid().build("val", tmp_path)[1]


def test_a_listed_image_without_labels_is_named(tmp_path: Path) -> None:
    camvid(tmp_path, lists=True)
    gone = tmp_path / "camvid/valannot/0016E5_01130.png"
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone}: there is no such file"):
        CamVid().build("val", tmp_path)[1]


@pytest.mark.parametrize(("gone", "left"), [("valannot", "val"), ("val", "valannot")])
def test_without_a_list_an_image_or_labels_alone_are_named(tmp_path: Path, gone: str, left: str) -> None:
    camvid(tmp_path)
    (tmp_path / "camvid" / gone / "0016E5_01130.png").unlink()
    with pytest.raises(DataError, match=f"{tmp_path / 'camvid' / left / '0016E5_01130.png'}: .*without"):
        CamVid().build("val", tmp_path)


@pytest.mark.parametrize("lists", [True, False])
def test_an_empty_split_is_refused_naming_what_is_empty(tmp_path: Path, lists: bool) -> None:
    camvid(tmp_path, lists=lists)
    for file in [*(tmp_path / "camvid/test").iterdir(), *(tmp_path / "camvid/testannot").iterdir()]:
        file.unlink()
    if lists:
        (tmp_path / "camvid/test.txt").write_text("\n")
    empty = tmp_path / "camvid" / ("test.txt" if lists else "test")
    with pytest.raises(DataError, match=f"{empty}: the split 'test' is empty"):
        CamVid().build("test", tmp_path)


levels = st.integers(0, 255)
tables = st.dictionaries(st.tuples(levels, levels, levels), st.integers(0, 65535), min_size=1, max_size=40)


@given(table=tables, seed=st.integers(0, 9))
def test_colors_become_the_ids_of_their_table(table: dict[tuple[int, int, int], int], seed: int) -> None:
    colors = [*table]
    picked = np.random.default_rng(seed).integers(0, len(colors), (7, 9))
    ids = colors_to_ids(np.array(colors, np.uint8)[picked], table, "a.png")
    assert ids.tolist() == [[table[colors[i]] for i in row] for row in picked]
    assert ids.dtype == (np.uint8 if max(table.values()) < 256 else np.uint16)


@given(table=tables, color=st.tuples(levels, levels, levels))
def test_a_color_outside_the_table_is_refused_and_named(
    table: dict[tuple[int, int, int], int], color: tuple[int, int, int]
) -> None:
    table.pop(color, None)
    table[color[0], color[1], 255 - color[2]] = 1  # a neighbor, so that it is never empty
    picture = np.array([[[*next(iter(table))], color]], np.uint8)
    with pytest.raises(DataError) as error:
        colors_to_ids(picture, table, "a.png")
    assert str(error.value).startswith(
        f"a.png: the colors {color} belong to no class; expected the {len(table)} colors"
    )


def test_a_picture_full_of_foreign_colors_is_still_one_short_sentence() -> None:
    noise = np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3)
    with pytest.raises(
        DataError, match=r"\(0, 1, 2\), \(2, 3, 4\), \(3, 4, 5\), \(5, 6, 7\), … belong to no class"
    ) as error:
        colors_to_ids(noise, {(1, 1, 1): 0}, "a.png")
    assert len(str(error.value)) < 240


def test_the_32_original_colors_each_mean_one_class_or_void() -> None:
    assert len(COLORS) == sum(len(members) for members in ORIGINAL.values()) == 32
    assert set(COLORS) == {tuple(map(int, color)) for color in CAMVID_COLORS}
    assert set(ORIGINAL) == {*CamVidOriginal().label_space.names, "void"}
    space = CamVidOriginal().label_space
    assert space == CamVid().label_space
    for class_id, color in enumerate(space.colors):  # but pavement, whose color is SegNet's own
        assert COLORS.get(color, class_id) == class_id
    assert [color for color in space.colors if color not in COLORS] == [space.colors[space.class_id("pavement")]]


@pytest.mark.parametrize("folder", ["CamVid", "camvid"])
def test_painted_labels_become_the_eleven_classes_and_void(tmp_path: Path, folder: str) -> None:
    camvid_original(tmp_path)
    (tmp_path / "CamVid").rename(tmp_path / folder)
    split = CamVidOriginal().build("val", tmp_path)
    assert split.ids == ["0016E5_07959", "0016E5_07961"]
    painted = np.array(Image.open(tmp_path / folder / "LabeledApproved_full/0016E5_07959_L.png"))
    space, labels = split.label_space, split[0].labels.numpy()
    meaning = {color: name for name, members in ORIGINAL.items() for color in members.values()}
    for class_id, (red, green, blue) in zip(labels.flatten(), painted.reshape(-1, 3).tolist(), strict=True):
        name = "void" if class_id == IGNORE else space.names[class_id]
        assert meaning[red, green, blue] == name
    assert set(labels.flatten()) == {*range(11), IGNORE}


def test_the_two_layouts_can_lie_beside_each_other(tmp_path: Path) -> None:
    camvid(tmp_path)
    camvid_original(tmp_path)
    assert len(CamVid().build("val", tmp_path)) == SPLITS["val"]
    assert CamVidOriginal().build("train", tmp_path).ids == ["0001TP_006690", "0006R0_f00930", "0016E5_04530"]
    assert CamVidOriginal().build("test", tmp_path).ids == ["0001TP_008550", "Seq05VD_f00000", "Seq05VD_f05100"]


def test_a_smoothed_label_file_is_named(tmp_path: Path) -> None:
    """A common accident: labels that were scaled like photographs."""
    camvid_original(tmp_path)
    path = tmp_path / "CamVid/LabeledApproved_full/0016E5_07959_L.png"
    Image.open(path).resize((32, 24)).resize((16, 12)).save(path)
    with pytest.raises(DataError, match=rf"{path}: the colors \("):
        CamVidOriginal().build("val", tmp_path)[0]


@pytest.mark.parametrize("stem", ["0005VD_000030", "0016E5_x", "0016E5", "Seq05VD_f"])
def test_a_frame_that_camvid_does_not_have_belongs_to_no_split(tmp_path: Path, stem: str) -> None:
    camvid_original(tmp_path)
    image = write_image(tmp_path / "CamVid/701_StillsRaw_full" / f"{stem}.png", (4, 4))
    write_labels(tmp_path / "CamVid/LabeledApproved_full" / f"{stem}_L.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match=f"{image}: CamVid has no frame of this name"):
        CamVidOriginal().build("train", tmp_path)
