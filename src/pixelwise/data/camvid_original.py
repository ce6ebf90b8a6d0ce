"""Original release of CamVid: 701 frames of driving video, 960x720, labels in 32 colors, grouped into 11 classes.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 30 (2009). Classes
and split are those of the SegNet layout (`camvid.py`), so that results are comparable. The grouping of the 32 original
classes is that of the MathWorks example "Semantic Segmentation Using Deep Learning". The name of a frame determines its
split: test is the sequence Seq05VD and the end of 0001TP, val is a part of 0016E5, train is the rest.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Integer

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import RGB
from pixelwise.data.camvid import SPACE, SegNetSplit
from pixelwise.data.files import PairedFiles, check_some, list_files, pair_up
from pixelwise.data.images import colors_to_ids, read_label_colors

TREE = """\
  CamVid/                  (or camvid/)
    701_StillsRaw_full/    *.png
    LabeledApproved_full/  *_L.png   RGB, 32 colors
"""

ORIGINAL: dict[str, dict[str, RGB]] = {
    "sky": {"Sky": (128, 128, 128)},
    "building": {
        "Archway": (192, 0, 128), "Bridge": (0, 128, 64), "Building": (128, 0, 0), "Tunnel": (64, 0, 64),
        "Wall": (64, 192, 0),
    },
    "pole": {"Column_Pole": (192, 192, 128), "TrafficCone": (0, 0, 64)},
    "road": {"Road": (128, 64, 128), "LaneMkgsDriv": (128, 0, 192), "LaneMkgsNonDriv": (192, 0, 64)},
    "pavement": {"Sidewalk": (0, 0, 192), "ParkingBlock": (64, 192, 128), "RoadShoulder": (128, 128, 192)},
    "tree": {"Tree": (128, 128, 0), "VegetationMisc": (192, 192, 0)},
    "sign": {"SignSymbol": (192, 128, 128), "Misc_Text": (128, 128, 64), "TrafficLight": (0, 64, 64)},
    "fence": {"Fence": (64, 64, 128)},
    "car": {
        "Car": (64, 0, 128), "SUVPickupTruck": (64, 128, 192), "Truck_Bus": (192, 128, 192), "Train": (192, 64, 128),
        "OtherMoving": (128, 64, 64),
    },
    "pedestrian": {
        "Pedestrian": (64, 64, 0), "Child": (192, 128, 64), "CartLuggagePram": (64, 0, 192), "Animal": (64, 128, 64),
    },
    "bicyclist": {"Bicyclist": (0, 128, 192), "MotorcycleScooter": (192, 0, 192)},
    "void": {"Void": (0, 0, 0)},
}  # fmt: skip
"""Class of the SegNet layout, or void -> original class -> its color."""

_IDS = {**dict(zip(SPACE.names, SPACE.raw_ids, strict=True)), **{name: raw for raw, name in SPACE.void.items()}}
COLORS = {color: _IDS[name] for name, members in ORIGINAL.items() for color in members.values()}
"""Color -> raw id in the SegNet layout."""


class CamVidOriginal(SegNetSplit):
    """Original release of CamVid: 701 frames of driving video, 960x720, 11 classes (Brostow 2009)."""

    kind: Literal["camvid_original"] = "camvid_original"
    title: ClassVar[str] = "CamVid (original release)"
    tree: ClassVar[str] = TREE
    source: ClassVar[str] = "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/."

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`.

        Raises:
            DataError: See `split_of` and `pair_up`.
        """
        self.check_split(split)
        homes = [root / name for name in ("CamVid", "camvid")]  # one of them may contain the SegNet layout
        home = next((home for home in homes if (home / "701_StillsRaw_full").is_dir()), homes[0])
        images, labels = home / "701_StillsRaw_full", home / "LabeledApproved_full"
        for folder in (images, labels):
            if not folder.is_dir():
                raise self.missing(folder)
        files = (list_files(images, (".png",)), list_files(labels, ("_l.png",)))
        pairs = pair_up(*(_in_split(split, found) for found in files))
        return PairedFiles(check_some(pairs, images, split), SPACE, read_colors)


def read_colors(path: Path) -> Integer[np.ndarray, "H W"]:
    """Reads the raw ids of a label file in RGB colors.

    Raises:
        DataError: See `read_label_colors` and `colors_to_ids`.
    """
    return colors_to_ids(read_label_colors(path), COLORS, str(path))


def split_of(file: Path) -> str:
    """Returns the split of a frame from its name, such as 0016E5_07959.png or Seq05VD_f00840_L.png.

    Raises:
        DataError: CamVid has no frame of that name.
    """
    sequence, _, rest = file.stem.removesuffix("_L").partition("_")
    number = rest.removeprefix("f")
    if sequence not in ("0001TP", "0006R0", "0016E5", "Seq05VD") or not number.isdecimal():
        raise DataError(
            f"{file}: CamVid has no frame of this name; expected 0001TP_, 0006R0_f, 0016E5_ or Seq05VD_f and a number."
            " Move the file to another folder."
        )
    if sequence == "Seq05VD" or (sequence == "0001TP" and int(number) >= 8550):
        return "test"
    return "val" if sequence == "0016E5" and 7959 <= int(number) <= 8159 else "train"


def _in_split(split: str, files: Mapping[str, Path]) -> dict[str, Path]:
    return {stem: file for stem, file in files.items() if split_of(file) == split}
