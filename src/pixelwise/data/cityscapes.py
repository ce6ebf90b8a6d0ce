"""Cityscapes, fine annotations: 2975 train and 500 val frames of driving in 50 cities, 2048x1024.

Source: Cordts, Omran, Ramos, Rehfeld, Enzweiler, Benenson, Franke, Roth, Schiele, "The Cityscapes Dataset for Semantic
Urban Scene Understanding", CVPR 2016. The official evaluation has 19 of the 34 classes and leaves out pixels whose true
class is another one. A model learns the 19 classes with `classes="train"` and all 34 with `classes="all"`; the
evaluation is the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import RGB, LabelSpace
from pixelwise.data.base import DataSpec
from pixelwise.data.files import Pair, PairedFiles, check_some, first_folder, list_files, pair_up

TREE = """\
  cityscapes/             (or Cityscapes/)
    leftImg8bit/
      train/  aachen/  bochum/  …     *_leftImg8bit.png
      val/    frankfurt/  lindau/  …
    gtFine/
      train/  aachen/  bochum/  …     *_gtFine_labelIds.png, 0..33
      val/    frankfurt/  lindau/  …
"""
CLASSES: tuple[tuple[str, str, bool, RGB], ...] = (
    ("unlabeled", "void", False, (0, 0, 0)),
    ("ego vehicle", "void", False, (8, 8, 8)),
    ("rectification border", "void", False, (16, 16, 16)),
    ("out of roi", "void", False, (24, 24, 24)),
    ("static", "void", False, (32, 32, 32)),
    ("dynamic", "void", False, (111, 74, 0)),
    ("ground", "void", False, (81, 0, 81)),
    ("road", "flat", True, (128, 64, 128)),
    ("sidewalk", "flat", True, (244, 35, 232)),
    ("parking", "flat", False, (250, 170, 160)),
    ("rail track", "flat", False, (230, 150, 140)),
    ("building", "construction", True, (70, 70, 70)),
    ("wall", "construction", True, (102, 102, 156)),
    ("fence", "construction", True, (190, 153, 153)),
    ("guard rail", "construction", False, (180, 165, 180)),
    ("bridge", "construction", False, (150, 100, 100)),
    ("tunnel", "construction", False, (150, 120, 90)),
    ("pole", "object", True, (153, 153, 153)),
    ("polegroup", "object", False, (161, 161, 161)),
    ("traffic light", "object", True, (250, 170, 30)),
    ("traffic sign", "object", True, (220, 220, 0)),
    ("vegetation", "nature", True, (107, 142, 35)),
    ("terrain", "nature", True, (152, 251, 152)),
    ("sky", "sky", True, (70, 130, 180)),
    ("person", "human", True, (220, 20, 60)),
    ("rider", "human", True, (255, 0, 0)),
    ("car", "vehicle", True, (0, 0, 142)),
    ("truck", "vehicle", True, (0, 0, 70)),
    ("bus", "vehicle", True, (0, 60, 100)),
    ("caravan", "vehicle", False, (0, 0, 90)),
    ("trailer", "vehicle", False, (0, 0, 110)),
    ("train", "vehicle", True, (0, 80, 100)),
    ("motorcycle", "vehicle", True, (0, 0, 230)),
    ("bicycle", "vehicle", True, (119, 11, 32)),
)
"""Name, category, whether it is evaluated, and color of each raw id.

Five colors differ from the official ones, which are not unique: ego vehicle to static (officially black, as unlabeled)
and polegroup (officially as pole) are slightly lighter here.
"""

EVALUATED = tuple(name for name, _, evaluated, _ in CLASSES if evaluated)
_CATEGORIES = dict.fromkeys(category for _, category, evaluated, _ in CLASSES if evaluated)
GROUPS = {
    "category": {
        category: tuple(name for name, parent, evaluated, _ in CLASSES if evaluated and parent == category)
        for category in _CATEGORIES
    }
}
ALL = LabelSpace(
    names=tuple(name for name, *_ in CLASSES),
    colors=tuple(color for *_, color in CLASSES),
    raw_ids=tuple(range(len(CLASSES))),
    ignored_in_evaluation=tuple(name for name, _, evaluated, _ in CLASSES if not evaluated),
    groups=GROUPS,
)
TRAIN = LabelSpace(
    names=EVALUATED,
    colors=tuple(color for *_, evaluated, color in CLASSES if evaluated),
    raw_ids=tuple(raw for raw, (_, _, evaluated, _) in enumerate(CLASSES) if evaluated),
    void={raw: name for raw, (name, _, evaluated, _) in enumerate(CLASSES) if not evaluated},
    void_color=(0, 0, 0),
    groups=GROUPS,
)


class Cityscapes(DataSpec):
    """Cityscapes, fine annotations: 3475 frames of driving in 50 cities, 2048x1024, 19 classes (Cordts 2016).

    Attributes:
        classes: `train`: the 19 evaluated classes, the others are void. `all`: all 34 classes.
    """

    kind: Literal["cityscapes"] = "cityscapes"
    classes: Literal["train", "all"] = "train"
    title: ClassVar[str] = "Cityscapes"
    tree: ClassVar[str] = TREE
    source: ClassVar[str] = (
        "https://www.cityscapes-dataset.com/downloads/ (leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip; needs"
        " a login; Cityscapes license)."
    )
    splits: ClassVar[tuple[str, ...]] = ("train", "val")
    published_sizes: ClassVar[Mapping[str, int]] = {"train": 2975, "val": 500}

    @property
    def label_space(self) -> LabelSpace:
        """The selected classes, with the official categories as groups."""
        return TRAIN if self.classes == "train" else ALL

    def check_split(self, split: str) -> None:
        """See `DataSpec.check_split`. The message for `test` explains why it is missing."""
        if split == "test":
            raise InvalidSpec("cityscapes has no split 'test': its labels are not public; evaluate on val.")
        super().check_split(split)

    def build(self, split: str, root: Path) -> PairedFiles:
        """See `DataSpec.build`."""
        self.check_split(split)
        images, labels = paired_folders(self, first_folder(root, ("cityscapes", "Cityscapes")), split)
        end = "_gtFine_labelIds.png"
        pairs = pair_up(list_files(images, ("_leftimg8bit.png",)), list_files(labels, (end.lower(),)))
        # The name of a frame begins with its city, so it is unique without the name of the folder.
        named: Sequence[Pair] = [pair._replace(id=pair.labels.name[: -len(end)]) for pair in pairs]
        return PairedFiles(check_some(named, images, split), self.label_space)


def paired_folders(spec: DataSpec, home: Path, split: str) -> tuple[Path, Path]:
    """Returns the image folder and the label folder of a split in the layout of Cityscapes, which IDD has too.

    Args:
        spec: The data set.
        home: Folder that contains `leftImg8bit` and `gtFine`.
        split: Name of the split's folder in both.

    Raises:
        DatasetNotFound: One of the folders is missing, or lacks a city that the other one has.
    """
    images, labels = home / "leftImg8bit" / split, home / "gtFine" / split
    for folder in (images, labels):
        if not folder.is_dir():
            raise spec.missing(folder)
    for one, other in ((images, labels), (labels, images)):
        for city in sorted(one.iterdir()):
            if city.is_dir() and not city.name.startswith(".") and not (other / city.name).is_dir():
                raise spec.missing(other / city.name)
    return images, labels
