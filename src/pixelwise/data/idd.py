"""India Driving Dataset: 6993 train and 981 val frames of unstructured traffic (20k, part I), and IDD-Lite.

Source: Varma, Subramanian, Namboodiri, Chandraker, Jawahar, "IDD: A Dataset for Exploring Problems of Autonomous
Navigation in Unconstrained Environments", WACV 2019. The ids of its label hierarchy are those of its public code,
https://github.com/AutoNUE/public-code. IDD-Lite has 1403 train and 204 val frames of 320x227 and the seven classes of
level 1.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import Integer
from PIL import Image as PilImage
from PIL import ImageDraw
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from pixelwise.core.errors import DataError, did_you_mean
from pixelwise.core.label_space import RGB, LabelSpace
from pixelwise.core.spec import explain
from pixelwise.data.base import DataSpec
from pixelwise.data.cityscapes import paired_folders
from pixelwise.data.files import PairedFiles, check_some, first_folder, list_files, pair_up
from pixelwise.data.images import MAX_PIXELS, read_raw_labels

TREE = """\
  IDD_Segmentation/       (or idd20k/ or idd20kII/ or idd/)
    leftImg8bit/
      train/  0/  1/  …   *_leftImg8bit.png or .jpg
      val/    2/  3/  …
    gtFine/
      train/  0/  1/  …   *_gtFine_labellevel3Ids.png, or *_gtFine_polygons.json
      val/    2/  3/  …
"""
LITE_TREE = """\
  idd20k_lite/
    leftImg8bit/
      train/  0/  1/  …   *_image.jpg
      val/    2/  3/  …
    gtFine/
      train/  0/  1/  …   *_label.png, 0..6, 255 = void
      val/    2/  3/  …
"""

Row = tuple[str, tuple[str, ...], int, int, RGB]
CLASSES: tuple[Row, ...] = (
    ("road", (), 0, 0, (128, 64, 128)),
    ("drivable fallback", ("parking",), 1, 0, (81, 0, 81)),
    ("sidewalk", (), 2, 1, (244, 35, 232)),
    ("non-drivable fallback", ("rail track",), 3, 1, (152, 251, 152)),
    ("person", ("animal",), 4, 2, (220, 20, 60)),
    ("rider", (), 5, 2, (255, 0, 0)),
    ("motorcycle", (), 6, 3, (0, 0, 230)),
    ("bicycle", (), 6, 3, (119, 11, 32)),
    ("autorickshaw", (), 7, 3, (255, 204, 54)),
    ("car", (), 7, 3, (0, 0, 142)),
    ("truck", (), 8, 3, (0, 0, 70)),
    ("bus", (), 8, 3, (0, 60, 100)),
    ("vehicle fallback", ("caravan", "trailer", "train"), 8, 3, (136, 143, 153)),
    ("curb", (), 9, 4, (220, 190, 40)),
    ("wall", (), 9, 4, (102, 102, 156)),
    ("fence", (), 10, 4, (190, 153, 153)),
    ("guard rail", (), 10, 4, (180, 165, 180)),
    ("billboard", (), 11, 4, (174, 64, 67)),
    ("traffic sign", (), 11, 4, (220, 220, 0)),
    ("traffic light", (), 11, 4, (250, 170, 30)),
    ("pole", ("polegroup",), 12, 4, (153, 153, 153)),
    ("obs-str-bar-fallback", (), 12, 4, (169, 187, 214)),
    ("building", (), 13, 5, (70, 70, 70)),
    ("bridge", ("tunnel",), 13, 5, (150, 100, 100)),
    ("vegetation", (), 14, 5, (107, 142, 35)),
    ("sky", ("fallback background",), 15, 6, (70, 130, 180)),
)
"""Name, other labels of the class, ids on levels 2 and 1, and color of each level-3 id."""

UNLABELED = 255
VOID = ("unlabeled", "ego vehicle", "rectification border", "out of roi", "license plate")
"""Labels of void polygons, id 255."""

LEVEL_1 = (
    "drivable", "non-drivable", "living things", "vehicles", "roadside objects", "far objects", "sky",
)  # fmt: skip
LEVEL_2 = (
    "road", "drivable fallback", "sidewalk", "non-drivable fallback", "person and animal", "rider", "two-wheeler",
    "autorickshaw and car", "large vehicle", "curb and wall", "fence and guard rail", "sign and light",
    "pole and other obstacle", "building and bridge", "vegetation", "sky",
)  # fmt: skip
GROUPS = {
    "level 1": {name: tuple(row[0] for row in CLASSES if row[3] == i) for i, name in enumerate(LEVEL_1)},
    "level 2": {name: tuple(row[0] for row in CLASSES if row[2] == i) for i, name in enumerate(LEVEL_2)},
}
TRAIN = LabelSpace(
    names=tuple(row[0] for row in CLASSES),
    colors=tuple(row[4] for row in CLASSES),
    raw_ids=tuple(range(len(CLASSES))),
    void={UNLABELED: "unlabeled"},
    void_color=(0, 0, 0),
    groups=GROUPS,
)
ALL = LabelSpace(
    names=(*TRAIN.names, "unlabeled"),
    colors=(*TRAIN.colors, (0, 0, 0)),
    raw_ids=(*TRAIN.raw_ids, UNLABELED),
    ignored_in_evaluation=("unlabeled",),
    groups=GROUPS,
)
LITE = LabelSpace(
    names=LEVEL_1,
    colors=tuple(next(row[4] for row in CLASSES if row[3] == i) for i in range(len(LEVEL_1))),
    raw_ids=tuple(range(len(LEVEL_1))),
    void={UNLABELED: "unlabeled"},
    void_color=(0, 0, 0),
)
LEVEL_3_IDS = {
    **{label: i for i, row in enumerate(CLASSES) for label in (row[0], *row[1])},
    **dict.fromkeys(VOID, UNLABELED),
}
"""Label of a polygon -> level-3 id."""


class Idd(DataSpec):
    """India Driving Dataset, level 3: 7974 frames of unstructured traffic, 26 classes (Varma 2019).

    Label files that exist as polygons only are drawn from them.

    Attributes:
        classes: `train`: 26 classes, the rest is void. `all`: the rest is a 27th class, which the official evaluation
            ignores.
    """

    kind: Literal["idd"] = "idd"
    classes: Literal["train", "all"] = "train"
    title: ClassVar[str] = "IDD"
    tree: ClassVar[str] = TREE
    source: ClassVar[str] = "https://idd.insaan.iiit.ac.in/ (IDD Segmentation; needs a login)."
    splits: ClassVar[tuple[str, ...]] = ("train", "val")
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 6993, "val": 981}

    @property
    def label_space(self) -> LabelSpace:
        """The selected classes, with the two coarser levels as groups."""
        return TRAIN if self.classes == "train" else ALL

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`."""
        self.check_split(split)
        home = first_folder(root, ("IDD_Segmentation", "idd20k", "idd20kII", "idd"))
        images, labels = paired_folders(self, home, split)
        polygons = list_files(labels, ("_gtfine_polygons.json",))
        pictures = list_files(labels, ("_gtfine_labellevel3ids.png",))
        pairs = pair_up(list_files(images, ("_leftimg8bit.png", "_leftimg8bit.jpg")), polygons | pictures)
        return PairedFiles(check_some(pairs, images, split), self.label_space, read_level_3)


class IddLite(DataSpec):
    """IDD-Lite, level 1: 1607 frames of unstructured traffic, 320x227, 7 classes (Varma 2019)."""

    kind: Literal["idd_lite"] = "idd_lite"
    title: ClassVar[str] = "IDD-Lite"
    tree: ClassVar[str] = LITE_TREE
    source: ClassVar[str] = "https://idd.insaan.iiit.ac.in/ (IDD Lite; needs a login)."
    splits: ClassVar[tuple[str, ...]] = ("train", "val")
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 1403, "val": 204}

    @property
    def label_space(self) -> LabelSpace:
        """The seven classes of level 1 of IDD."""
        return LITE

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`."""
        self.check_split(split)
        images, labels = paired_folders(self, root / "idd20k_lite", split)
        files = list_files(labels, ("_label.png",))
        classes = {stem: file for stem, file in files.items() if not stem.endswith("_inst")}  # without instance labels
        pairs = pair_up(list_files(images, ("_image.jpg",)), classes)
        return PairedFiles(check_some(pairs, images, split), LITE)


def read_level_3(path: Path) -> Integer[np.ndarray, "H W"]:
    """Reads the level-3 ids of a label file: a PNG, or polygons, which are drawn.

    Raises:
        DataError: See `read_raw_labels` and `draw_polygons`.
    """
    return draw_polygons(path) if path.suffix.lower() == ".json" else read_raw_labels(path)


class _Object(BaseModel):
    label: str
    polygon: list[tuple[FiniteFloat, FiniteFloat]]
    deleted: bool = False


class _Annotation(BaseModel):
    height: Annotated[int, Field(gt=0, alias="imgHeight")]
    width: Annotated[int, Field(gt=0, alias="imgWidth")]
    objects: list[_Object]


def draw_polygons(path: Path) -> Integer[np.ndarray, "H W"]:
    """Draws the level-3 ids of an annotation file: later objects over earlier ones, 255 where there is no object.

    Deleted objects and objects of fewer than three points are left out. An unknown label that ends in "group"
    ("cargroup") is drawn as the label without that ending.

    Raises:
        DataError: The file is missing, is not an annotation file, is above `MAX_PIXELS`, or has an unknown label.
    """
    try:
        annotation = _Annotation.model_validate_json(path.read_bytes())
    except OSError as e:
        raise DataError(f"{path}: cannot be read ({(e.strerror or str(e)).lower()}); replace the file.") from None
    except ValidationError as e:
        raise DataError(f"{path}: is not a polygon annotation ({explain(e, _Annotation)}); replace the file.") from None
    if annotation.width * annotation.height > MAX_PIXELS:
        raise DataError(f"{path}: {annotation.width}x{annotation.height} pixels exceed the limit; replace the file.")
    picture = PilImage.new("L", (annotation.width, annotation.height), UNLABELED)
    pen = ImageDraw.Draw(picture)
    for item in annotation.objects:
        if item.deleted:
            continue
        label = item.label if item.label in LEVEL_3_IDS else item.label.removesuffix("group")
        if label not in LEVEL_3_IDS:
            raise DataError(f"{path}: IDD has no label '{item.label}'.{did_you_mean(item.label, LEVEL_3_IDS)}")
        if len(item.polygon) > 2:
            pen.polygon(item.polygon, fill=LEVEL_3_IDS[label])
    return np.array(picture)
