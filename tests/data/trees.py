"""Tiny trees of data sets in their real layout: names, endings, list files and label encodings as upstream has them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SPLITS = {"train": 3, "val": 2, "test": 2}
"""Images in each split of a tree."""


def write_image(path: Path, size: tuple[int, int], seed: int = 0) -> Path:
    """An RGB image of noise; `size` is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)
    return path


def write_labels(path: Path, ids: np.ndarray, palette: list[int] | None = None) -> Path:
    """A label PNG: ids as gray values, or as indices into a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ids)
    if palette:
        picture.putpalette(palette)
    picture.save(path)
    return path


def ids(size: tuple[int, int], known: list[int], seed: int = 0) -> np.ndarray:
    """Random ids out of `known`, every one of them at least once if there are enough pixels."""
    rng = np.random.default_rng(seed)
    flat = rng.choice(known, size[0] * size[1])
    flat[: len(known)] = known[: flat.size]
    return rng.permutation(flat).astype(np.uint8).reshape(size)


def camvid(root: Path, suffix: str = ".png", lists: bool = False, folder: str = "camvid") -> None:
    """CamVid as the SegNet tutorial ships it; its list files hold the paths of the machine that made them."""
    for number, (split, count) in enumerate(SPLITS.items()):
        stems = [f"0016E5_0{number}{i}30" for i in range(count)]
        for i, stem in enumerate(stems):
            write_image(root / folder / split / f"{stem}{suffix}", (12, 16), seed=i)
            write_labels(root / folder / f"{split}annot" / f"{stem}.png", ids((12, 16), [*range(12)], seed=i))
        if lists:
            lines = [f"/SegNet/CamVid/{split}/{s}.png /SegNet/CamVid/{split}annot/{s}.png" for s in stems]
            (root / folder / f"{split}.txt").write_text("\n".join(lines) + "\n")


def voc(root: Path, year: int, splits: tuple[str, ...] = ("train", "val", "test")) -> None:
    """PASCAL VOC as its archives unpack; images of different sizes, labels in VOC's palette."""
    home = root / "VOCdevkit" / f"VOC{year}"
    listings = home / "ImageSets" / "Segmentation"
    listings.mkdir(parents=True)
    for number, split in enumerate(splits):
        stems = [f"{year}_00{number}{i:03}" for i in range(SPLITS[split])]
        for i, stem in enumerate(stems):
            size = (14 + i, 18 - i)
            write_image(home / "JPEGImages" / f"{stem}.jpg", size, seed=i)
            labels = ids(size, [*range(21), 255], seed=i)
            write_labels(home / "SegmentationClass" / f"{stem}.png", labels, voc_palette())
        (listings / f"{split}.txt").write_text("\n".join(stems) + "\n")
    (listings / "trainval.txt").write_text("".join((listings / f"{split}.txt").read_text() for split in splits[:2]))


def voc_palette() -> list[int]:
    """VOC's color map, as the development kit's VOClabelcolormap computes it."""
    table = []
    for index in range(256):
        red = green = blue = 0
        rest = index
        for shift in range(7, -1, -1):
            red |= (rest & 1) << shift
            green |= (rest >> 1 & 1) << shift
            blue |= (rest >> 2 & 1) << shift
            rest >>= 3
        table += [red, green, blue]
    return table


def camvid_original(root: Path) -> None:
    """CamVid's own release: all splits in one folder, labels painted; a frame of every sequence and every split."""
    home = root / "CamVid"
    frames = ("0001TP_006690", "0001TP_008550", "0006R0_f00930", "0016E5_04530", "0016E5_07959", "0016E5_07961",
              "Seq05VD_f00000", "Seq05VD_f05100")  # fmt: skip
    for i, frame in enumerate(frames):
        write_image(home / "701_StillsRaw_full" / f"{frame}.png", (12, 16), seed=i)
        labels = CAMVID_COLORS[ids((12, 16), [*range(len(CAMVID_COLORS))], seed=i)]
        write_labels(home / "LabeledApproved_full" / f"{frame}_L.png", labels)


CAMVID_COLORS = np.array(
    [
        (64, 128, 64), (192, 0, 128), (0, 128, 192), (0, 128, 64), (128, 0, 0), (64, 0, 128), (64, 0, 192),
        (192, 128, 64), (192, 192, 128), (64, 64, 128), (128, 0, 192), (192, 0, 64), (128, 128, 64), (192, 0, 192),
        (128, 64, 64), (64, 192, 128), (64, 64, 0), (128, 64, 128), (128, 128, 192), (0, 0, 192), (192, 128, 128),
        (128, 128, 128), (64, 128, 192), (0, 0, 64), (0, 64, 64), (192, 64, 128), (128, 128, 0), (192, 128, 192),
        (64, 0, 64), (192, 192, 0), (0, 0, 0), (64, 192, 0),
    ],
    np.uint8,
)  # fmt: skip
"""The 32 colors in the alphabetic order of the release's own list, Animal to Wall."""


def cityscapes(root: Path, folder: str = "cityscapes") -> None:
    """Cityscapes as its archives unpack, with the other kinds of labels that lie beside the label ids."""
    cities = {"train": ("aachen", "bochum"), "val": ("frankfurt", "lindau")}
    for split, names in cities.items():
        for city in names:
            for frame in range(2):
                stem = f"{city}_00000{frame}_000019"
                labels = ids((12, 48), [*range(34)], seed=frame)
                write_image(root / folder / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png", (12, 48), frame)
                home = root / folder / "gtFine" / split / city
                write_labels(home / f"{stem}_gtFine_labelIds.png", labels)
                write_labels(home / f"{stem}_gtFine_instanceIds.png", labels.astype(np.uint16) * 1000)
                write_image(home / f"{stem}_gtFine_color.png", (12, 48))
                (home / f"{stem}_gtFine_polygons.json").write_text("{}")


def idd(root: Path, folder: str = "IDD_Segmentation") -> None:
    """IDD: one name of a frame in several sequences, some with level-3 ids, some with polygons only; PNG and JPEG."""
    home = root / folder
    for split, sequences in {"train": ("0", "1"), "val": ("2", "3")}.items():
        for i, sequence in enumerate(sequences):
            frame = f"{split}/{sequence}/frame0029"
            write_image(home / "leftImg8bit" / f"{frame}_leftImg8bit.{'jpg' if i else 'png'}", (12, 16), seed=i)
            write_polygons(home / "gtFine" / f"{frame}_gtFine_polygons.json", (12, 16), SCENE)
            if not i:
                labels = ids((12, 16), [*range(26), 255], seed=i)
                write_labels(home / "gtFine" / f"{frame}_gtFine_labellevel3Ids.png", labels)


SCENE: list[dict[str, Any]] = [
    {"label": "sky", "polygon": [[0, 0], [16, 0], [16, 5], [0, 5]], "deleted": 0},
    {"label": "road", "polygon": [[0, 8], [16, 8], [16, 12], [0, 12]], "deleted": 0},
    {"label": "car", "polygon": [[3, 6], [9, 6], [9, 10], [3, 10]]},
    {"label": "bus", "polygon": [[0, 0], [16, 0], [16, 12], [0, 12]], "deleted": 1},
]
"""Sky, nothing, road, and a car on it; a bus that was deleted."""


def write_polygons(path: Path, size: tuple[int, int], objects: list[dict[str, Any]]) -> Path:
    """An annotation file as IDD has it; `size` is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"imgHeight": size[0], "imgWidth": size[1], "objects": objects}))
    return path


def idd_lite(root: Path) -> None:
    """IDD-Lite, with the instance labels that upstream ships beside the labels."""
    home = root / "idd20k_lite"
    for split, sequences in {"train": ("0", "1"), "val": ("2", "3")}.items():
        for i, sequence in enumerate(sequences):
            frame = f"{split}/{sequence}/frame0029"
            labels = ids((12, 16), [*range(7), 255], seed=i)
            write_image(home / "leftImg8bit" / f"{frame}_image.jpg", (12, 16), seed=i)
            write_labels(home / "gtFine" / f"{frame}_label.png", labels)
            write_labels(home / "gtFine" / f"{frame}_inst_label.png", labels.astype(np.uint16) * 1000)


def folder(root: Path) -> None:
    """Somebody's own images and labels, of several formats; lists split them, and nothing names the ids."""
    names: tuple[str, ...] = ("one", "two", "three", "street 4", "it's 5", "-rf", "straße")
    for i, name in enumerate(names):
        write_image(root / "images" / f"{name}{('.jpg', '.png')[i % 2]}", (12 + i, 16), seed=i)
        write_labels(root / "labels" / f"{name}.png", ids((12 + i, 16), [0, 1, 2, 255], seed=i))
    for split, count in SPLITS.items():
        (root / f"{split}.txt").write_text("\n".join(names[:count]) + "\n", encoding="utf-8")
        names = names[count:]


TREES: dict[str, Callable[[Path], None] | None] = {
    "camvid": camvid,
    "camvid_original": camvid_original,
    "cityscapes": cityscapes,
    "folder": folder,
    "idd": idd,
    "idd_lite": idd_lite,
    "shapes": None,  # drawn by code
    "voc2007": lambda root: voc(root, 2007),
    "voc2012": lambda root: voc(root, 2012),  # with a test split, as someone who has its labels would have it
}
"""The builder for every registered data set; None where nothing lies on disk."""
