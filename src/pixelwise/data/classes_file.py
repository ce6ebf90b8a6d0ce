"""The classes of a user's own folder: as its `classes.json` says, as named, or as its label files hold them.

Label files come in two codings. Gray and palette files hold ids. RGB files hold colors, unless their three channels
are equal everywhere: those are ids too, as tools leave them that save everything in RGB.
"""

import json
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from PIL import Image as PilImage
from pydantic import AliasChoices, Field, StrictBool, StrictInt, ValidationError

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE, RGB, LabelSpace
from pixelwise.core.spec import Spec, explain
from pixelwise.data.files import RawLabels
from pixelwise.data.images import colors_to_ids, read_label_colors, read_raw_labels
from pixelwise.data.voc import voc_color

CLASSES_FILE = "classes.json"
EXAMPLE = '{"id": 0, "name": "background", "color": [0, 0, 0]}'
MOST = 64
"""More values than this are not taken for classes unless somebody says so: they are a photograph's, or soft edges'."""

_GRAY = 0x010101  # a gray's packed color is a multiple of it, by the gray value
_PARALLEL = 200  # fewer files than this are read before worker processes would have started


class LabelFiles(Spec):
    """What the label files of a folder mean.

    Attributes:
        label_space: The classes.
        colors: What RGB files hold: each color with its raw id. Without any, they must be gray and hold ids.
        ids: Whether files with ids are taken as well; without, all must hold colors.
    """

    label_space: LabelSpace
    colors: tuple[tuple[RGB, int], ...] = ()
    ids: bool = True

    def read(self, path: Path) -> RawLabels:
        """Raw ids of a label file.

        Raises:
            DataError: The file cannot be read, or is coded in another way than the folder's others were.
        """
        if not _holds_rgb(path):
            ids = read_raw_labels(path)
            if not self.ids:
                raise DataError(
                    f"{path}: expected colors as in the folder's other label files, found ids; save it in RGB or"
                    f" write a {CLASSES_FILE} that gives ids and colors."
                )
            return ids
        rgb = read_label_colors(path)
        if self.colors:
            return colors_to_ids(rgb, dict(self.colors), str(path))
        if (rgb != rgb[..., :1]).any():
            raise DataError(
                f"{path}: expected ids, found colors; save it as a gray or palette PNG, or give every class of"
                f" {CLASSES_FILE} a color."
            )
        return rgb[..., 0]


class ClassEntry(Spec):
    """An entry of `classes.json`.

    Attributes:
        id: What label files hold for it.
        name: Its name.
        color: Its color in RGB label files and in pictures.
        void: Whether its pixels are ignored.
    """

    id: Annotated[StrictInt, Field(ge=0, le=65535)]
    name: Annotated[str, Field(min_length=1)]
    color: Annotated[RGB | None, Field(validation_alias=AliasChoices("color", "colour"))] = None
    void: StrictBool = False


def read_classes(listing: Path) -> LabelFiles:
    """What a `classes.json` says.

    Raises:
        DataError: It is no such list, or contradicts itself.
    """
    entries = _entries(listing)
    for what, values in (
        ("id", [entry.id for entry in entries]),
        ("name", [entry.name for entry in entries if not entry.void]),
        ("color", [list(entry.color) for entry in entries if entry.color]),
    ):
        if twice := [value for n, value in enumerate(values) if value in values[:n]]:
            raise DataError(
                f"{listing}: the {what} {json.dumps(twice[0])} appears twice; each {what} must be one entry's."
            )
    classes, void = [e for e in entries if not e.void], {e.id: e.name for e in entries if e.void}
    if not 1 <= len(classes) <= IGNORE:
        raise DataError(f"{listing}: expected 1 to {IGNORE} classes that are not void, found {len(classes)}.")
    plain = [entry.name for entry in classes if not entry.color]
    if plain and len(plain) < len(classes):
        raise DataError(
            f"{listing}: '{plain[0]}' has no color but other classes do; give one to every class or to none."
        )
    colors = tuple(e.color or voc_color(n) for n, e in enumerate(classes))
    free = [e.color for e in entries if e.void and e.color and e.color not in colors]
    space = LabelSpace(
        names=tuple(e.name for e in classes), colors=colors, raw_ids=tuple(e.id for e in classes), void=void,
        void_color=free[0] if free else _unused(colors),
    )  # fmt: skip
    painted = () if plain else tuple((entry.color, entry.id) for entry in entries if entry.color)
    return LabelFiles(label_space=space, colors=painted)


def _entries(listing: Path) -> list[ClassEntry]:
    try:
        content = json.loads(listing.read_text(encoding="utf-8-sig"))  # editors on Windows put a mark before the text
    except OSError as e:
        raise DataError(f"{listing}: cannot be read ({e.strerror}); make it readable.") from None
    except ValueError as e:
        raise DataError(f"{listing}: is no JSON text ({e}); expected a list of entries such as {EXAMPLE}.") from None
    if not isinstance(content, list):
        raise DataError(f"{listing}: expected a list, [...], of entries such as {EXAMPLE}.")
    entries = []
    for number, item in enumerate(content, 1):
        try:
            entries.append(ClassEntry.model_validate(item))
        except ValidationError as e:
            reason = explain(e, ClassEntry).rstrip(".")
            raise DataError(f"{listing}: entry {number} is not like {EXAMPLE}: {reason}.") from None
    return entries


def as_found(files: Sequence[Path], names: tuple[str, ...] = ()) -> LabelFiles:
    """What the label files hold, without a `classes.json`. Reads all of them.

    Args:
        files: The label files.
        names: Names for the ids 0, 1, …, or for 0 and 255; without them a class is named by its id or color.

    Raises:
        DataError: A file cannot be read, or what they hold does not say which classes there are.
    """
    values_of = dict[int, Path]  # each value with the first file that holds it
    ids, grays, colors = values_of(), values_of(), values_of()
    with _looked_at(files) as looks:
        for path, look in zip(files, looks, strict=True):
            for value in look.values:
                kind = ids if not look.rgb else colors if value % _GRAY else grays
                kind.setdefault(value, path)
            if colors and len(colors) + len(grays) > MOST:
                raise _too_many("colors", path)
    if not colors:
        return _numbered({gray // _GRAY: path for gray, path in grays.items()} | ids, names)
    colored = next(iter(colors.values()))
    if ids:
        raise DataError(
            f"{next(iter(ids.values()))} holds ids but {colored} holds colors; save all label files alike, or write a"
            f" {CLASSES_FILE} that gives the id and color of each class."
        )
    if names:
        raise DataError(
            f"{colored} holds colors, and nobody knows which of the {len(names)} names belongs to which color; write"
            f" a {CLASSES_FILE} instead of data.classes."
        )
    return _painted(sorted(colors | grays))


def _numbered(ids: dict[int, Path], names: tuple[str, ...]) -> LabelFiles:
    """Classes of files with ids. 255 is void, but for 0 and 255 alone, which are what two classes look like."""
    found = sorted(ids)
    if found == [0, 255] or (found == [255] and len(names) == 2):
        if len(names) not in (0, 2):
            raise DataError(
                f"{ids[255]}: the label files hold 0 and 255 only, which are two classes, but {len(names)} are named;"
                f" name two, or write a {CLASSES_FILE}."
            )
        raw, void = [0, 255], {}
    else:
        void = {255: "void"} if 255 in ids else {}
        raw = [*range(len(names))] or [i for i in found if i not in void]
    if foreign := [i for i in found if i not in raw and i not in void]:
        raise DataError(
            f"{ids[foreign[0]]}: holds the id {foreign[0]}, but {len(names)} classes are named, which have the ids"
            f" 0..{len(names) - 1}; name all classes, or write a {CLASSES_FILE}."
        )
    if not raw:
        raise DataError(f"{ids[255]}: all label files hold 255 (void) only; there is no class to learn.")
    if len(raw) > MOST and not names:
        raise _too_many("ids", ids[found[-1]])
    palette = tuple(voc_color(n) for n in range(len(raw)))
    space = LabelSpace(
        names=names or tuple(f"class {i}" for i in raw), colors=palette, raw_ids=tuple(raw), void=void,
        void_color=_unused(palette),
    )  # fmt: skip
    return LabelFiles(label_space=space)


def _painted(packed: list[int]) -> LabelFiles:
    """Classes of files with colors; ids are given in the colors' order."""
    colors: tuple[RGB, ...] = tuple((c >> 16, c >> 8 & 255, c & 255) for c in packed)
    names, raw = tuple(f"#{c:06x}" for c in packed), tuple(range(len(packed)))
    space = LabelSpace(names=names, colors=colors, raw_ids=raw, void_color=_unused(colors))
    return LabelFiles(label_space=space, colors=tuple(zip(colors, raw, strict=True)), ids=False)


def _too_many(what: str, path: Path) -> DataError:
    return DataError(
        f"{path}: the label files up to this one hold more than {MOST} {what}, as a photograph does, or edges that were"
        f" softened by a resize or a JPEG; save labels without either, or write a {CLASSES_FILE} if it is right."
    )


def _unused(colors: Sequence[RGB]) -> RGB:
    """A color for void that no class has: PASCAL VOC's where it is free."""
    return next(c for c in (voc_color(255 - n) for n in range(IGNORE + 1)) if c not in colors)


def _holds_rgb(path: Path) -> bool:
    """Whether a file is in RGB, by its header. A damaged one is not: reading it has the sentence."""
    with suppress(Exception), PilImage.open(path) as picture:  # Pillow has many
        return picture.mode in ("RGB", "RGBA")
    return False


class _Look(NamedTuple):
    rgb: bool
    values: list[int]  # ids, or packed colors of a file in RGB


def _look(path: Path) -> _Look:
    if not _holds_rgb(path):
        ids = read_raw_labels(path)
        if ids.size and (ids.min() < 0 or ids.max() > 65535):
            raise DataError(f"{path}: label ids must lie in 0..65535, found {ids.min()}..{ids.max()}.")
        seen = np.zeros(65536, bool)
        seen[ids] = True
        return _Look(False, np.flatnonzero(seen).tolist())
    packed = read_label_colors(path) @ np.array([1 << 16, 1 << 8, 1])
    return _Look(True, np.unique(packed)[:1000].tolist())  # enough to show that it is a photograph


@contextmanager
def _looked_at(files: Sequence[Path]) -> Iterator[Iterator[_Look]]:
    """What each file holds, in order, read by several processes where that is worth their start."""
    if len(files) < _PARALLEL:
        yield map(_look, files)
        return
    pool = ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool.map(_look, files, chunksize=16)
    finally:
        pool.shutdown(cancel_futures=True)
