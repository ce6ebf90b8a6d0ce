"""Images and label files as cameras, painters and broken disks leave them."""

import random
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelwise.core.errors import BadData
from pixelwise.core.labels import IGNORE, LabelSpace
from pixelwise.data.images import IMAGE_SUFFIXES, label_picture, read_image, read_raw_labels, write_png
from tests.data.trees import write_image

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
SPACE = LabelSpace(
    names=("road", "sky"), colours=((10, 20, 30), (40, 50, 60)), raw_ids=(7, 24),
    void={3: "edge"}, void_colour=(9, 8, 7),
)  # fmt: skip


def rows(path: Path) -> np.ndarray:
    """The image that was read, `[H, W, 3]`."""
    return read_image(path).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("suffix", [s for s in IMAGE_SUFFIXES if s not in (".jpg", ".jpeg")])
def test_lossless_formats_give_every_pixel_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path, lossless=True)
    assert np.array_equal(rows(path), PIXELS)
    assert read_image(path).is_contiguous()


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, PIXELS),
        (2, np.fliplr(PIXELS)),
        (3, np.rot90(PIXELS, 2)),
        (4, np.flipud(PIXELS)),
        (5, PIXELS.transpose(1, 0, 2)),
        (6, np.rot90(PIXELS, -1)),
        (7, np.rot90(PIXELS, 2).transpose(1, 0, 2)),
        (8, np.rot90(PIXELS)),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_photo_is_turned_as_its_camera_noted(
    tmp_path: Path, suffix: str, orientation: int, upright: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path, exif=exif)
    assert np.array_equal(rows(path), upright)


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS[:, :, 0]).save(path)
    assert np.array_equal(rows(path), PIXELS[:, :, [0, 0, 0]])


def test_transparency_is_dropped_not_blended(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    alpha = np.arange(35, dtype=np.uint8).reshape(5, 7, 1)
    Image.fromarray(np.concatenate([PIXELS, alpha], axis=2)).save(path)
    assert np.array_equal(rows(path), PIXELS)


@pytest.mark.parametrize("transparency", [None, 1, bytes([0, 128, 255])])
def test_a_palette_image_shows_its_colours_and_a_palette_label_its_indices(
    tmp_path: Path, transparency: int | bytes | None
) -> None:
    indices = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette([9, 8, 7, 60, 50, 40, 255, 0, 3])
    path = tmp_path / "a.png"
    picture.save(path) if transparency is None else picture.save(path, transparency=transparency)
    assert rows(path).tolist() == [[[9, 8, 7], [60, 50, 40]], [[255, 0, 3], [60, 50, 40]]]
    assert read_raw_labels(path).tolist() == indices.tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_an_image_of_more_than_8_bits_is_refused_rather_than_cut_to_white(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray((PIXELS[:, :, 0] * 100.0).astype(dtype)).save(path)
    with pytest.raises(BadData, match=f"{path}: expected 8 bits a channel"):
        read_image(path)


def test_16_bit_labels_keep_their_ids(tmp_path: Path) -> None:
    """As Cityscapes' instance ids or ADE20K's are stored."""
    ids = np.array([[0, 255, 256], [1000, 26001, 65535]], np.uint16)
    Image.fromarray(ids).save(tmp_path / "a.png")
    assert read_raw_labels(tmp_path / "a.png").tolist() == ids.tolist()


def test_two_coloured_labels_are_0_and_1(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_raw_labels(tmp_path / "a.png").tolist() == [[1, 0]]


@pytest.mark.parametrize("read", [read_image, read_raw_labels])
@pytest.mark.parametrize("content", [b"", b"no picture at all\n", b"half"], ids=["empty", "text", "truncated"])
def test_a_damaged_file_is_one_sentence_with_its_name(tmp_path: Path, read, content: bytes) -> None:
    path = write_image(tmp_path / "a.png", (40, 40))
    path.write_bytes(path.read_bytes()[:700] if content == b"half" else content)
    with pytest.raises(BadData, match=f"^{path}: cannot be read as an image .*; replace or remove the file") as error:
        read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("read", [read_image, read_raw_labels])
def test_an_absent_file_is_named(tmp_path: Path, read) -> None:
    with pytest.raises(BadData, match=f"{tmp_path / 'a.png'}: there is no such file"):
        read(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF and goes on
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_whatever_bytes_a_disk_loses_the_answer_is_pixels_or_a_sentence(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # its warning is not the subject here
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    Image.fromarray(PIXELS).save(stream, Image.registered_extensions()[suffix], exif=exif)
    rng = random.Random(0)
    path, refused = tmp_path / f"a{suffix}", 0
    for _ in range(150):
        damaged = bytearray(stream.getvalue())
        for _ in range(3):
            damaged[rng.randrange(26, len(damaged))] ^= 1 << rng.randrange(8)  # past BMP's sizes: those claim gigabytes
        path.write_bytes(damaged[: rng.randrange(26, len(damaged))] if rng.random() < 0.3 else damaged)
        try:
            assert read_image(path).dtype == torch.uint8
        except BadData as e:
            refused += str(path) in str(e)
    assert refused > 20


def test_a_picture_that_claims_to_be_gigantic_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = write_image(tmp_path / "a.png", (5, 7))
    with pytest.raises(BadData, match=f"{path}: .*exceeds limit"):
        read_image(path)


def test_a_label_picture_holds_raw_ids_and_shows_the_data_sets_colours(tmp_path: Path) -> None:
    classes = np.array([[0, 1], [IGNORE, 0]], np.uint8)
    write_png(tmp_path / "a.png", label_picture(classes, SPACE))
    stored = Image.open(tmp_path / "a.png")
    assert np.array(stored).tolist() == [[7, 24], [3, 7]]
    assert np.array(stored.convert("RGB")).tolist() == [[[10, 20, 30], [40, 50, 60]], [[9, 8, 7], [10, 20, 30]]]
    assert np.array_equal(SPACE.to_classes(read_raw_labels(tmp_path / "a.png")), classes)


def test_a_label_picture_with_large_ids_is_16_bit_gray(tmp_path: Path) -> None:
    space = LabelSpace(names=("a", "b"), colours=((0, 0, 0), (1, 1, 1)), raw_ids=(3, 1000), void={300: "void"})
    classes = np.array([[0, 1, IGNORE]], np.uint8)
    write_png(tmp_path / "a.png", label_picture(classes, space))
    assert np.array(Image.open(tmp_path / "a.png")).tolist() == [[3, 1000, 300]]
    assert np.array_equal(space.to_classes(read_raw_labels(tmp_path / "a.png")), classes)
