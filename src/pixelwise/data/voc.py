"""PASCAL VOC 2007 and 2012 segmentation: 20 object classes, background, and void object borders.

Source: Everingham, Van Gool, Williams, Winn, Zisserman, "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 88
(2010). VOC 2007 has 209 train, 213 val and 210 test images, VOC 2012 has 1464 train and 1449 val images. The labels of
the test images of 2012 are not public.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pixelwise.core.label_space import RGB, LabelSpace
from pixelwise.data.base import DataSpec
from pixelwise.data.files import Pair, PairedFiles, check_some, read_list

TREE = """\
  VOCdevkit/
    VOC{year}/
      ImageSets/Segmentation/  train.txt  val.txt  trainval.txt  test.txt
      JPEGImages/              *.jpg
      SegmentationClass/       *.png   palette, 0..20, 255 = void
"""


def voc_color(index: int) -> RGB:
    """Returns a color of the VOC palette: the bits of the index, three at a time, fill r, g and b from the top."""
    color = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            color[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return color[0], color[1], color[2]


NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
SPACE = LabelSpace(
    names=NAMES,
    colors=tuple(voc_color(i) for i in range(21)),
    raw_ids=tuple(range(21)),
    void={255: "border"},
    void_color=voc_color(255),
)


class _Voc(DataSpec):
    """Base class of both years."""

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "trainval", "test")
    year: ClassVar[int]
    source: ClassVar[str] = "http://host.robots.ox.ac.uk/pascal/VOC/ or with `pixelwise data download`."

    @property
    def label_space(self) -> LabelSpace:
        """Background and the 20 classes, in the colors of VOC."""
        return SPACE

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`. The split `test` of VOC 2012 needs its labels, which are not public."""
        self.check_split(split)
        home = root / "VOCdevkit" / f"VOC{self.year}"
        listing = home / "ImageSets" / "Segmentation" / f"{split}.txt"
        images, labels = home / "JPEGImages", home / "SegmentationClass"
        for path in (listing, images, labels):
            if not path.exists():
                raise self.missing(path)
        stems = check_some(read_list(listing), listing, split)
        return PairedFiles([Pair(s, images / f"{s}.jpg", labels / f"{s}.png") for s in stems], SPACE)


class Voc2007(_Voc):
    """PASCAL VOC 2007 segmentation: 632 photographs, 20 object classes and background (Everingham 2010)."""

    kind: Literal["voc2007"] = "voc2007"
    title: ClassVar[str] = "PASCAL VOC 2007"
    tree: ClassVar[str] = TREE.format(year=2007)
    year: ClassVar[int] = 2007
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 209, "val": 213, "trainval": 422, "test": 210}


class Voc2012(_Voc):
    """PASCAL VOC 2012 segmentation: 2913 photographs, 20 object classes and background (Everingham 2010)."""

    kind: Literal["voc2012"] = "voc2012"
    title: ClassVar[str] = "PASCAL VOC 2012"
    tree: ClassVar[str] = TREE.format(year=2012)
    source: ClassVar[str] = f"{_Voc.source} The labels of the test images are not public: evaluate on val."
    year: ClassVar[int] = 2012
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 1464, "val": 1449, "trainval": 2913, "test": 1456}
