"""Reading of image files and label files of many formats, and of damaged ones."""

import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.data.images import (
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    label_picture,
    read_image,
    read_label_colors,
    read_raw_labels,
    write_png,
)
from tests.data.trees import write_image

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
SPACE = LabelSpace(
    names=("road", "sky"), colors=((10, 20, 30), (40, 50, 60)), raw_ids=(7, 24),
    void={3: "edge"}, void_color=(9, 8, 7),
)  # fmt: skip


def rows(path: Path) -> np.ndarray:
    """The image that was read, `[H, W, 3]`."""
    return read_image(path).permute(1, 2, 0).numpy()


def png(values: np.ndarray, size: tuple[int, int] | None = None, **chunks: bytes) -> bytes:
    """A PNG by the book, for what Pillow does not write: `[H, W, C]` of 8 or 16 bits."""
    height, width, channels = values.shape
    header = struct.pack(">2I5B", *(size or (width, height)), values.itemsize * 8, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    scanlines = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    file = b"\x89PNG\r\n\x1a\n"
    for name, data in {"IHDR": header, **chunks, "IDAT": zlib.compress(scanlines), "IEND": b""}.items():
        part = name.encode() + data
        file += struct.pack(">I", len(data)) + part + struct.pack(">I", zlib.crc32(part))
    return file


def tiff(
    values: np.ndarray, photometric: int = 1, extra: int | None = None, sample: int = 1, bits: int = 0,
    order: Literal["<", ">"] = "<", data: bytes = b"",
) -> bytes:  # fmt: skip
    """A TIFF of one strip by the book: `[H, W]` or `[H, W, C]`; `data` replaces the samples."""
    (height, width), channels = values.shape[:2], values.shape[2] if values.ndim == 3 else 1
    data = data or values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags = {
        256: [width], 257: [height], 258: [bits or values.itemsize * 8] * channels, 259: [1], 262: [photometric],
        273: [0], 277: [channels], 278: [height], 279: [len(data)], 338: [] if extra is None else [extra],
        339: [sample] * channels,
    }  # fmt: skip
    tags = {tag: numbers for tag, numbers in tags.items() if numbers}
    more, entries, end = b"", b"", 8 + 2 + 12 * len(tags) + 4
    tags[273] = [end + sum(2 * len(n) for n in tags.values() if len(n) > 2)]
    for tag, numbers in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if len(packed) > 4:
            more, packed = more + packed, struct.pack(f"{order}I", end + len(more))
        entries += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + packed.ljust(4, b"\0")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(tags))
    return start + entries + b"\0\0\0\0" + more + data


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
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_photo_is_turned_as_its_camera_noted(
    tmp_path: Path, suffix: str, orientation: int, upright: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path, exif=exif, lossless=True)
    assert np.array_equal(rows(path), upright)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_sideways_tiff_is_turned_in_every_mode(tmp_path: Path, mode: str) -> None:
    """Pillow 13.0 turns some of them wrongly when it is given the path."""
    gray = Image.fromarray(PIXELS[:, :, 0])
    picture = Image.fromarray(PIXELS[:, :, 0] * np.uint16(257)) if mode == "I;16" else gray.convert(mode)
    sideways = Image.Exif()
    sideways[0x0112] = 6
    picture.save(tmp_path / "upright.tif")
    picture.save(tmp_path / "sideways.tif", exif=sideways)
    assert len(np.unique(rows(tmp_path / "upright.tif"))) > 1
    assert np.array_equal(rows(tmp_path / "sideways.tif"), np.rot90(rows(tmp_path / "upright.tif"), -1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow says so of a JPEG, and goes on
@pytest.mark.parametrize("damage", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0no tags at all"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_photo_with_damaged_exif_data_is_not_rotated(tmp_path: Path, suffix: str, damage: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path, exif=damage)
    assert rows(path).shape == PIXELS.shape


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS[:, :, 0]).save(path)
    assert np.array_equal(rows(path), PIXELS[:, :, [0, 0, 0]])


def test_black_and_white_becomes_black_and_white(tmp_path: Path) -> None:
    ink = PIXELS[:, :, 0] > 99
    Image.fromarray(ink).save(tmp_path / "a.png")
    assert np.array_equal(rows(tmp_path / "a.png"), np.stack([ink * np.uint8(255)] * 3, axis=2))


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", ".tif"), ("CMYK", ".jpg"), ("YCbCr", ".jpg")])
def test_inks_and_luma_become_the_colors_that_they_mix(tmp_path: Path, mode: str, suffix: str) -> None:
    """Of CMYK the naive mixture, of YCbCr the formula of JFIF; a JPEG is off by its own loss."""
    flat = np.empty((16, 24, 4 if mode == "CMYK" else 3), np.uint8)
    flat[:] = [30, 200, 90, 40] if mode == "CMYK" else [120, 90, 160]
    Image.frombytes(mode, (24, 16), flat.tobytes()).save(tmp_path / f"a{suffix}")
    c, m, y, k = (1 - np.array([30, 200, 90, 40]) / 255).tolist()
    mixed = [c * k * 255, m * k * 255, y * k * 255]
    luma = [120 + 1.402 * 32, 120 - 0.344136 * -38 - 0.714136 * 32, 120 + 1.772 * -38]
    assert np.abs(rows(tmp_path / f"a{suffix}") - np.array(mixed if mode == "CMYK" else luma)).max() <= 3


def on_paper(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha.astype(float)[..., None] / 255
    return color * share + 255 * (1 - share)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_show_white_paper(tmp_path: Path, suffix: str, mode: str) -> None:
    alpha = np.arange(0, 245, 7).astype(np.uint8).reshape(5, 7)
    channels = PIXELS if mode == "RGBA" else PIXELS[:, :, :1]
    picture = Image.fromarray(np.concatenate([channels, alpha[..., None]], axis=2))
    assert picture.mode == mode
    picture.save(tmp_path / f"a{suffix}", lossless=True, exact=True)
    expected = on_paper(np.broadcast_to(channels, PIXELS.shape), alpha)
    assert np.abs(rows(tmp_path / f"a{suffix}") - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4], ids=["gray", "gray and alpha", "RGB", "RGBA"])
def test_a_16_bit_png_loses_its_lower_eight_bits(tmp_path: Path, channels: int) -> None:
    deep = np.random.default_rng(1).integers(0, 2**16, (5, 7, channels)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png(deep))
    high = (deep // 256).astype(np.uint8)
    color = high[:, :, :3] if channels > 2 else high[:, :, [0, 0, 0]]
    expected = on_paper(color, high[:, :, -1]) if channels in (2, 4) else color
    assert np.abs(rows(tmp_path / "a.png") - expected).max() <= (1 if channels in (2, 4) else 0)


@pytest.mark.parametrize(("depth", "channels"), [(8, 1), (8, 3), (16, 1)])  # of RGB;16, Pillow drops the bits it names
def test_the_one_value_that_a_png_calls_transparent_shows_white_paper(
    tmp_path: Path, depth: int, channels: int
) -> None:
    values = PIXELS[:, :, :channels].astype(f"u{depth // 8}") * (257 if depth == 16 else 1)
    clear = values[2, 3]
    (tmp_path / "a.png").write_bytes(png(values, tRNS=clear.astype(">u2").tobytes()))
    expected = np.where(
        (values == clear).all(2, keepdims=True), 255, np.broadcast_to(PIXELS[..., :channels], (5, 7, 3))
    )
    assert np.array_equal(rows(tmp_path / "a.png"), expected)


DEEP = np.array([[0, 255, 256, 4095], [1000, 40000, 65280, 65535]], np.uint16)
MIDDLE = np.array([[[300, 40000, 65535, 2**15]]], np.uint16)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"values": DEEP}, DEEP // 256),
        ({"values": DEEP, "order": ">"}, DEEP // 256),
        ({"values": DEEP, "photometric": 0}, 255 - DEEP // 256),
        ({"values": (DEEP // 256).astype(np.uint8), "photometric": 0}, 255 - DEEP // 256),
        ({"values": DEEP[:, :2], "bits": 12, "data": bytes.fromhex("0000ff 100fff")}, [[0, 15], [16, 255]]),
        ({"values": MIDDLE[..., :3], "photometric": 2}, [[[1, 156, 255]]]),
        ({"values": MIDDLE, "photometric": 2, "extra": 2}, [[[128, 205, 255]]]),  # halfway to white
        ({"values": MIDDLE // 2, "photometric": 2, "extra": 1}, [[[192, 255, 255]]]),
        ({"values": np.array([[[120, 255]]], np.uint8), "extra": 2}, [[120]]),
    ],
    ids=[
        "16 bits", "big-endian", "white is 0", "8 bits, white is 0", "12 bits", "RGB", "RGBA", "premultiplied", "LA",
    ],
)  # fmt: skip
def test_a_tiff_of_any_depth_is_shown_as_its_tags_say(
    tmp_path: Path, content: dict[str, Any], expected: np.ndarray
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(**content))
    gray = np.asarray(expected)
    assert np.abs(rows(tmp_path / "a.tif") - (gray if gray.ndim == 3 else gray[..., None])).max() <= 1


def test_gray_that_was_multiplied_by_its_alpha_is_divided_by_it(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.array([[[100, 200]]], np.uint8), extra=1))
    try:
        assert np.abs(rows(tmp_path / "a.tif") - (100 + 255 - 200.0)).max() <= 1
    except DataError:
        pytest.skip("this Pillow does not read such files")


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".tif", tiff(DEEP.astype(np.uint32))),
        (".tif", tiff(DEEP.astype(np.int16), sample=2)),
        (".tif", tiff(DEEP.astype(np.float32), sample=3)),
        (".tif", tiff(np.full((2, 2, 3), 99, np.uint8), photometric=8)),
    ],
    ids=["32 bits", "signed", "float", "Lab"],
)
def test_values_without_a_known_range_or_color_are_refused_rather_than_guessed(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=f"^{path}: expected gray or RGB with 8 or 16 bits per channel, found mode .*: convert it"
    ):
        read_image(path)


def test_portable_graymaps_of_10_bits_reach_white(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 1023\n" + struct.pack(">3H", 0, 512, 1023))
    assert rows(tmp_path / "a.pgm")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_of_an_animation_or_several_pages_the_first_is_taken(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (7, 5), color) for color in ("#ff0000", "#00ff00", "#0000ff")]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:], duration=40, lossless=True)
    with Image.open(tmp_path / f"a{suffix}") as stored:
        assert getattr(stored, "n_frames", 1) == 3
    assert np.array_equal(rows(tmp_path / f"a{suffix}"), np.full((5, 7, 3), [255, 0, 0]))


def test_a_first_frame_that_covers_a_part_of_its_canvas_stands_on_white_paper(tmp_path: Path) -> None:
    """A canvas of 4×2 with one red pixel at (1, 1), as GIF's own grammar writes it."""
    header = b"GIF89a" + struct.pack("<HHBBB", 4, 2, 0x80, 0, 0) + bytes([255, 0, 0, 0, 0, 255])
    control = b"\x21\xf9\x04\x01\0\0\x01\0"  # index 1 is transparent
    frame = b"\x2c" + struct.pack("<HHHHB", 1, 1, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    (tmp_path / "a.gif").write_bytes(header + control + frame + b";")
    expected = np.full((2, 4, 3), 255)
    expected[1, 1] = [255, 0, 0]
    assert np.array_equal(rows(tmp_path / "a.gif"), expected)


def test_of_a_stereo_photo_the_first_view_is_taken_and_its_labels_are_refused(tmp_path: Path) -> None:
    """MPO, as phones write it: two JPEGs in one file."""
    left, right = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    left.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[right])
    assert np.abs(rows(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() <= 2
    with pytest.raises(DataError, match="labels must not be MPO"):
        read_raw_labels(tmp_path / "a.jpg")


@pytest.mark.parametrize(("transparency", "alpha"), [(None, 255), (1, 0), (bytes([255, 102, 255]), 102)])
def test_a_palette_image_shows_its_colors_and_a_palette_label_its_indices(
    tmp_path: Path, transparency: int | bytes | None, alpha: int
) -> None:
    indices = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette([9, 8, 7, 60, 50, 40, 255, 0, 3])
    path = tmp_path / "a.png"
    picture.save(path) if transparency is None else picture.save(path, transparency=transparency)
    second = [round(255 - (255 - c) * alpha / 255) for c in (60, 50, 40)]
    assert rows(path).tolist() == [[[9, 8, 7], second], [[255, 0, 3], second]]
    assert read_raw_labels(path).tolist() == indices.tolist()
    assert read_label_colors(path).tolist() == [[[9, 8, 7], [60, 50, 40]], [[255, 0, 3], [60, 50, 40]]]


def test_16_bit_labels_keep_their_ids(tmp_path: Path) -> None:
    """As Cityscapes' instance ids or ADE20K's are stored."""
    ids = np.array([[0, 255, 256], [1000, 26001, 65535]], np.uint16)
    Image.fromarray(ids).save(tmp_path / "a.png")
    assert read_raw_labels(tmp_path / "a.png").tolist() == ids.tolist()


def test_two_colored_labels_are_0_and_1(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_raw_labels(tmp_path / "a.png").tolist() == [[1, 0]]


@pytest.mark.parametrize("read", [read_image, read_raw_labels])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty (0 bytes)"),
        (b"no picture at all\n", "is not an image, or has an unsupported format"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
            "is not an image, or has an unsupported format",
        ),
        (b"half", "cannot be read as an image ("),
    ],
    ids=["empty", "text", "a program", "truncated"],
)
def test_a_damaged_file_is_one_sentence_with_its_name(
    tmp_path: Path, read: Callable[[Path], object], content: bytes, sentence: str
) -> None:
    path = write_image(tmp_path / "a.png", (40, 40))
    path.write_bytes(path.read_bytes()[:700] if content == b"half" else content)
    with pytest.raises(DataError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {sentence}")
    assert str(error.value).endswith("; replace or remove the file.")
    assert "\n" not in str(error.value)


def test_a_folder_that_is_called_like_an_image_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match="is a folder, not an image"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("read", [read_image, read_raw_labels])
def test_an_absent_file_is_named(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(DataError, match=f"{tmp_path / 'a.png'}: there is no such file"):
        read(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF and goes on
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif", ".tif"])
def test_whatever_bytes_a_disk_loses_the_answer_is_pixels_or_a_sentence(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    Image.fromarray(PIXELS).save(stream, Image.registered_extensions()[suffix], exif=exif)
    rng = random.Random(0)
    path, refused = tmp_path / f"a{suffix}", 0
    # BMP's and GIF's sizes are spared: most damaged ones are below the limit and take gigabytes.
    spared = {".bmp": 26, ".gif": 10}.get(suffix, 0)
    for _ in range(150):
        damaged = bytearray(stream.getvalue())
        for _ in range(3):
            damaged[rng.randrange(spared, len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged[: rng.randrange(spared, len(damaged))] if rng.random() < 0.3 else damaged)
        try:
            assert read_image(path).dtype == torch.uint8
        except DataError as e:
            refused += str(path) in str(e)
    assert refused > 20


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (12_000, 10_000), (9_000, 9_000)])
@pytest.mark.parametrize("read", [read_image, read_raw_labels])
def test_a_picture_that_claims_to_be_gigantic_is_refused_by_its_header(
    tmp_path: Path, read: Callable[[Path], object], width: int, height: int
) -> None:
    """Above Pillow's limit, between Pillow's warning and its limit, and below both; no pixel follows the header."""
    path = tmp_path / "a.png"
    path.write_bytes(png(np.zeros((1, 1, 3), np.uint8), size=(width, height)))
    assert width * height > MAX_PIXELS
    with pytest.raises(DataError, match=f"^{path}: .* exceeds the limit of 80 million pixels; scale it down"):
        read(path)


def test_labels_in_a_jpeg_are_refused_because_its_compression_changes_ids(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png"):  # whatever its name says
        Image.fromarray(PIXELS[:, :, 0]).save(tmp_path / name, format="JPEG")
        for read in (read_raw_labels, read_label_colors):
            with pytest.raises(DataError, match=r"labels must not be JPEG.*; export them again as PNG"):
                read(tmp_path / name)


def test_a_label_picture_holds_raw_ids_and_shows_the_data_sets_colors(tmp_path: Path) -> None:
    classes = np.array([[0, 1], [IGNORE, 0]], np.uint8)
    write_png(tmp_path / "a.png", label_picture(classes, SPACE))
    stored = Image.open(tmp_path / "a.png")
    assert np.array(stored).tolist() == [[7, 24], [3, 7]]
    assert np.array(stored.convert("RGB")).tolist() == [[[10, 20, 30], [40, 50, 60]], [[9, 8, 7], [10, 20, 30]]]
    assert np.array_equal(SPACE.to_classes(read_raw_labels(tmp_path / "a.png")), classes)


def test_a_label_picture_with_large_ids_is_16_bit_gray(tmp_path: Path) -> None:
    space = LabelSpace(names=("a", "b"), colors=((0, 0, 0), (1, 1, 1)), raw_ids=(3, 1000), void={300: "void"})
    classes = np.array([[0, 1, IGNORE]], np.uint8)
    write_png(tmp_path / "a.png", label_picture(classes, space))
    assert np.array(Image.open(tmp_path / "a.png")).tolist() == [[3, 1000, 300]]
    assert np.array_equal(space.to_classes(read_raw_labels(tmp_path / "a.png")), classes)
