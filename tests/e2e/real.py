"""The real data sets for tests of the whole way."""

import os
from pathlib import Path

import pytest

FOLDERS = {
    "camvid": "camvid", "voc2007": "VOCdevkit/VOC2007", "voc2012": "VOCdevkit/VOC2012", "idd_lite": "idd20k_lite",
    "cityscapes": "cityscapes",
}  # fmt: skip
"""Where each data set lies below the data root."""


def mended(place: Path) -> Path:
    """The real data by links below an empty folder. Links that were copied as text, as VOC 2007's may be, are links."""
    root = os.environ.get("PIXELWISE_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("PIXELWISE_DATA names no folder of real data sets")
    real_data = Path(root)
    for folder in real_data.iterdir():
        if folder.name != "VOCdevkit":
            (place / folder.name).symlink_to(folder)
    for year in (real_data / "VOCdevkit").glob("VOC*"):
        for file in year.rglob("*.*"):
            link = place / "VOCdevkit" / file.relative_to(real_data / "VOCdevkit")
            link.parent.mkdir(parents=True, exist_ok=True)
            text = file.stat().st_size < 200 and file.suffix != ".txt"
            link.symlink_to((file.parent / file.read_text().strip()).resolve() if text else file)
    return place
