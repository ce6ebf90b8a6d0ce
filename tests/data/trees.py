"""Tiny trees of data sets in their real layout: names, endings, list files and label encodings as upstream has them."""

from collections.abc import Callable
from pathlib import Path

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
    """Random ids out of `known`, every one of them at least once where there is room."""
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
    """VOC's colour map, as the development kit's VOClabelcolormap computes it."""
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


TREES: dict[str, Callable[[Path], None] | None] = {
    "camvid": camvid,
    "shapes": None,  # drawn by code
    "voc2007": lambda root: voc(root, 2007),
    "voc2012": lambda root: voc(root, 2012),  # with a test split, as someone who has its labels would have it
}
"""The builder for every registered data set; None where nothing lies on disk."""
