"""Label space: the classes of a data set, their colors, and their ids in label files.

There are two numberings. *Raw ids* are the values in the label files of the data set, and in those that `predict`
writes. *Class ids* are 0..K-1; networks, losses and metrics use them. Void pixels have the class id `IGNORE`.
"""

from functools import cached_property
from typing import Annotated

import numpy as np
from jaxtyping import Integer, UInt8
from pydantic import Field, model_validator

from pixelwise.core.errors import DataError, InvalidSpec, did_you_mean
from pixelwise.core.spec import Spec

IGNORE = 255
"""Class id of a pixel without a class. Losses and metrics leave it out."""

Level = Annotated[int, Field(ge=0, le=255)]
RGB = tuple[Level, Level, Level]


class LabelSpace(Spec):
    """The classes of a data set.

    Attributes:
        names: Names of the classes, in the order of their class ids.
        colors: One sRGB color (0..255) for each class.
        raw_ids: Id of each class in the label files, 0..65535.
        void: Raw id -> name of each kind of void pixels. The first id is written for a void pixel.
        void_color: Color of void pixels.
        ignored_in_evaluation: Names of classes that can be learned and that the official evaluation of the data set
            leaves out.
        groups: Coarser classes that the data set evaluates too: grouping ("category") -> group -> names of its classes.
    """

    names: tuple[str, ...]
    colors: tuple[RGB, ...]
    raw_ids: tuple[int, ...]
    void: dict[int, str] = {}
    void_color: RGB = (224, 224, 192)
    ignored_in_evaluation: tuple[str, ...] = ()
    groups: dict[str, dict[str, tuple[str, ...]]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "LabelSpace":
        if not 1 <= len(self.names) <= IGNORE:
            raise ValueError(f"a label space has 1 to {IGNORE} classes, not {len(self.names)}")
        if not len(self.names) == len(self.colors) == len(self.raw_ids):
            raise ValueError("names, colors and raw_ids must have one entry for each class")
        raw = [*self.raw_ids, *self.void]
        if len(set(raw)) < len(raw) or len(set(self.names)) < len(self.names):
            raise ValueError("a class name or raw id appears twice")
        if min(raw) < 0 or max(raw) > 65535:
            raise ValueError("raw ids lie in 0..65535")
        for grouping, groups in self.groups.items():
            members = [name for group in groups.values() for name in group]
            if len(set(members)) < len(members):
                raise ValueError(f"a class is in two groups of '{grouping}'")
            self._check_names(set(members))
        self._check_names(set(self.ignored_in_evaluation))
        return self

    def _check_names(self, names: set[str]) -> None:
        if unknown := names - set(self.names):
            raise ValueError(f"no class is called '{min(unknown)}'")

    def __eq__(self, other: object) -> bool:
        """Compares the fields. Pydantic would compare the cached tables too, and arrays have no truth value."""
        return isinstance(other, LabelSpace) and self.model_dump() == other.model_dump()

    @property
    def num_classes(self) -> int:
        """K, the number of classes without void."""
        return len(self.names)

    def class_id(self, name: str) -> int:
        """Returns the class id of a name.

        Raises:
            InvalidSpec: No class has that name.
        """
        if name not in self.names:
            raise InvalidSpec(f"no class is called '{name}'.{did_you_mean(name, self.names)}")
        return self.names.index(name)

    @cached_property
    def _to_class(self) -> UInt8[np.ndarray, "65536"]:
        table = np.zeros(65536, np.uint8)  # `to_classes` refuses the ids that are in neither `raw_ids` nor `void`
        for class_id, raw in enumerate(self.raw_ids):
            table[raw] = class_id
        table[list(self.void)] = IGNORE
        return table

    @cached_property
    def _known(self) -> np.ndarray:
        known = np.zeros(65536, bool)
        known[[*self.raw_ids, *self.void]] = True
        return known

    def to_classes(self, raw: Integer[np.ndarray, "H W"], source: str = "labels") -> UInt8[np.ndarray, "H W"]:
        """Converts raw ids to class ids; void becomes `IGNORE`.

        Args:
            raw: Ids of a label file.
            source: Name of the labels in error messages, usually the path of the file.

        Raises:
            DataError: Some ids belong to no class and are not void. The message lists them.
        """
        if raw.size and (raw.min() < 0 or raw.max() > 65535):
            raise DataError(f"{source}: label ids must lie in 0..65535, found {raw.min()}..{raw.max()}.")
        if not self._known[raw].all():
            unknown = np.unique(raw[~self._known[raw]])
            shown = ", ".join(map(str, unknown[:8])) + (", …" if len(unknown) > 8 else "")
            expected = ", ".join(f"{i} {n}" for i, n in self._raw_names()[:40])
            raise DataError(f"{source}: label ids {shown} are outside the label space; expected ids: {expected}.")
        classes: UInt8[np.ndarray, "H W"] = self._to_class[raw]
        return classes

    def to_raw(self, classes: UInt8[np.ndarray, "H W"]) -> Integer[np.ndarray, "H W"]:
        """Converts class ids to raw ids: uint8 if they fit, else uint16. `IGNORE` becomes the first void id, or 255."""
        table = np.full(256, next(iter(self.void), IGNORE), np.uint16)
        table[: self.num_classes] = self.raw_ids
        raw: Integer[np.ndarray, "H W"] = table[classes]
        return raw.astype(np.uint8) if table.max() < 256 else raw

    @cached_property
    def class_colors(self) -> UInt8[np.ndarray, "256 3"]:
        """Color of each class id; `IGNORE` has the void color."""
        table = np.zeros((256, 3), np.uint8)
        table[: self.num_classes] = self.colors
        table[IGNORE] = self.void_color
        return table

    def raw_palette(self) -> list[int]:
        """Returns the flat 256-color palette (r, g, b, …) by raw id, for palette PNGs. It omits raw ids above 255."""
        table = np.zeros((256, 3), np.uint8)
        for raw, color in zip(self.raw_ids, self.colors, strict=True):
            if raw < 256:
                table[raw] = color
        for raw in self.void:
            if raw < 256:
                table[raw] = self.void_color
        return [int(v) for v in table.flatten()]

    def _raw_names(self) -> list[tuple[int, str]]:
        named = [*zip(self.raw_ids, self.names, strict=True), *self.void.items()]
        return sorted(named)
