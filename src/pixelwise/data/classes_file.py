"""Classes of a user's own folder: from `classes.json`, from given names, or from the label files.

Label files have two codings. Gray and palette files contain ids. RGB files contain colors; if their three channels are
equal in every pixel, the gray values are ids, because some tools save every image in RGB.
"""

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from PIL import Image as PilImage
from pydantic import AliasChoices, Field, StrictBool, StrictInt, ValidationError, model_validator

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE, RGB, LabelSpace
from pixelwise.core.spec import Spec, explain
from pixelwise.data.files import RawLabels
from pixelwise.data.images import colors_to_ids, read_label_colors, read_raw_labels
from pixelwise.data.voc import voc_color

CLASSES_FILE = "classes.json"
EXAMPLE = '{"id": 0, "name": "background", "color": [0, 0, 0]}'
MAX_CLASSES = 64
"""Maximum number of ids or colors that are taken for classes without a `classes.json`. A photograph, or labels with
soft edges, have more."""

_GRAY = 0x010101  # the packed color of a gray is the gray value times this
_PARALLEL = 200  # fewer files are read faster without worker processes


class LabelFiles(Spec):
    """Classes of a folder, and the coding of its label files.

    Attributes:
        label_space: The classes.
        colors: Each color of RGB files with its raw id. If empty, RGB files must be gray and contain ids.
        ids: Whether files with ids are accepted. If not, all files must contain colors.
    """

    label_space: LabelSpace
    colors: tuple[tuple[RGB, int], ...] = ()
    ids: bool = True

    def read(self, path: Path) -> RawLabels:
        """Reads the raw ids of a label file.

        Raises:
            DataError: The file cannot be read, or its coding differs from that of the folder.
        """
        if not _holds_rgb(path):
            ids = read_raw_labels(path)
            if not self.ids:
                raise DataError(
                    f"{path}: expected colors as in the other label files of the folder, found ids; save it in RGB, or"
                    f" write a {CLASSES_FILE} with ids and colors."
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
    """Entry of `classes.json`.

    Attributes:
        id: Raw id in label files, 0..65535.
        name: Name of the class.
        color: Color in RGB label files and in pictures. The key `colour` is also accepted.
        void: Whether pixels of this id are ignored.
    """

    id: Annotated[StrictInt, Field(ge=0, le=65535)]
    name: Annotated[str, Field(min_length=1)]
    color: Annotated[RGB | None, Field(validation_alias=AliasChoices("color", "colour"))] = None
    void: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _one_color(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and {"color", "colour"} <= values.keys():
            raise ValueError("color and colour are both given; remove colour")
        return values


def read_classes(listing: Path) -> LabelFiles:
    """Reads a `classes.json`.

    Raises:
        DataError: The file is not a list of classes, or is inconsistent.
    """
    entries = _entries(listing)
    for key, values in (
        ("id", [entry.id for entry in entries]),
        ("name", [entry.name for entry in entries if not entry.void]),
        ("color", [list(entry.color) for entry in entries if entry.color]),
    ):
        if repeated := [value for n, value in enumerate(values) if value in values[:n]]:
            raise DataError(f"{listing}: the {key} {json.dumps(repeated[0])} appears twice; each {key} must be unique.")
    classes, void = [e for e in entries if not e.void], {e.id: e.name for e in entries if e.void}
    if not 1 <= len(classes) <= IGNORE:
        raise DataError(f"{listing}: expected 1 to {IGNORE} classes that are not void, found {len(classes)}.")
    colorless = [entry.name for entry in classes if not entry.color]
    if colorless and len(colorless) < len(classes):
        raise DataError(
            f"{listing}: '{colorless[0]}' has no color but other classes do; give one to every class or to none."
        )
    colors = tuple(e.color or voc_color(n) for n, e in enumerate(classes))
    free = [e.color for e in entries if e.void and e.color and e.color not in colors]
    space = LabelSpace(
        names=tuple(e.name for e in classes), colors=colors, raw_ids=tuple(e.id for e in classes), void=void,
        void_color=free[0] if free else _unused(colors),
    )  # fmt: skip
    file_colors = () if colorless else tuple((entry.color, entry.id) for entry in entries if entry.color)
    return LabelFiles(label_space=space, colors=file_colors)


def _entries(listing: Path) -> list[ClassEntry]:
    try:
        content = json.loads(listing.read_text(encoding="utf-8-sig"))  # editors on Windows write a byte order mark
    except OSError as e:
        raise DataError(f"{listing}: cannot be read ({e.strerror}); make the file readable.") from None
    except ValueError as e:
        raise DataError(f"{listing}: is not valid JSON ({e}); expected a list of entries such as {EXAMPLE}.") from None
    if not isinstance(content, list):
        raise DataError(f"{listing}: expected a list, [...], of entries such as {EXAMPLE}.")
    entries = []
    for number, item in enumerate(content, 1):
        try:
            entries.append(ClassEntry.model_validate(item))
        except ValidationError as e:
            reason = explain(e, ClassEntry).rstrip(".")
            raise DataError(
                f"{listing}: entry {number} is invalid ({reason}); expected an entry such as {EXAMPLE}."
            ) from None
    return entries


def infer_classes(files: Sequence[Path], names: tuple[str, ...] = ()) -> LabelFiles:
    """Infers the classes from all label files of a folder without a `classes.json`.

    Args:
        files: The label files.
        names: Names of the ids 0, 1, …, or of 0 and 255. If empty, a class is named by its id or color.

    Raises:
        DataError: A file cannot be read, or the files do not determine the classes.
    """
    first_files = dict[int, Path]  # value -> the first file that contains it
    ids, grays, colors = first_files(), first_files(), first_files()
    with _file_values(files) as values_of_files:
        for path, found in zip(files, values_of_files, strict=True):
            for value in found.values:
                kind = ids if not found.rgb else colors if value % _GRAY else grays
                kind.setdefault(value, path)
            if colors and len(colors) + len(grays) > MAX_CLASSES:
                raise _too_many("colors", path)
    if not colors:
        return _from_ids({gray // _GRAY: path for gray, path in grays.items()} | ids, names)
    first_colored = next(iter(colors.values()))
    if ids:
        raise DataError(
            f"{next(iter(ids.values()))} contains ids but {first_colored} contains colors; use one coding in all label"
            f" files, or write a {CLASSES_FILE} with the id and color of each class."
        )
    if names:
        raise DataError(
            f"{first_colored} contains colors, and data.classes does not assign its {len(names)} names to colors; write"
            f" a {CLASSES_FILE} instead."
        )
    return _from_colors(sorted(colors | grays))


def _from_ids(ids: dict[int, Path], names: tuple[str, ...]) -> LabelFiles:
    """Returns the classes of files with ids. 255 is void; if 0 and 255 are the only ids, they are two classes."""
    values = sorted(ids)
    if values == [0, 255] or (values == [255] and len(names) == 2):
        if len(names) not in (0, 2):
            raise DataError(
                f"{ids[255]}: the label files contain only 0 and 255, which are two classes, but data.classes names"
                f" {len(names)}; name two, or write a {CLASSES_FILE}."
            )
        raw, void = [0, 255], {}
    else:
        void = {255: "void"} if 255 in ids else {}
        raw = [*range(len(names))] or [i for i in values if i not in void]
    if unknown := [i for i in values if i not in raw and i not in void]:
        raise DataError(
            f"{ids[unknown[0]]}: contains the id {unknown[0]}, but data.classes names the ids 0..{len(names) - 1} only;"
            f" name all classes, or write a {CLASSES_FILE}."
        )
    if not raw:
        raise DataError(f"{ids[255]}: all label files contain only 255 (void); there is no class to learn.")
    if len(raw) > MAX_CLASSES and not names:
        raise _too_many("ids", ids[values[-1]])
    palette = tuple(voc_color(n) for n in range(len(raw)))
    space = LabelSpace(
        names=names or tuple(f"class {i}" for i in raw), colors=palette, raw_ids=tuple(raw), void=void,
        void_color=_unused(palette),
    )  # fmt: skip
    return LabelFiles(label_space=space)


def _from_colors(packed: list[int]) -> LabelFiles:
    """Returns the classes of files with colors. The ids are in the order of the packed colors."""
    colors: tuple[RGB, ...] = tuple((c >> 16, c >> 8 & 255, c & 255) for c in packed)
    names, raw = tuple(f"#{c:06x}" for c in packed), tuple(range(len(packed)))
    space = LabelSpace(names=names, colors=colors, raw_ids=raw, void_color=_unused(colors))
    return LabelFiles(label_space=space, colors=tuple(zip(colors, raw, strict=True)), ids=False)


def _too_many(values: str, path: Path) -> DataError:
    return DataError(
        f"{path}: the label files up to this one contain more than {MAX_CLASSES} {values}, as photographs and labels"
        " with soft edges (after a resize or JPEG compression) do; save the labels without soft edges, or write a"
        f" {CLASSES_FILE} if the number is correct."
    )


def _unused(colors: Sequence[RGB]) -> RGB:
    """Returns a void color that no class has: that of PASCAL VOC if it is free."""
    return next(c for c in (voc_color(255 - n) for n in range(IGNORE + 1)) if c not in colors)


def _holds_rgb(path: Path) -> bool:
    """Returns whether a file is in RGB, by its header. A damaged file is not; reading it raises the error."""
    with suppress(Exception), PilImage.open(path) as picture:  # Pillow raises many types of errors
        return picture.mode in ("RGB", "RGBA")
    return False


class _Values(NamedTuple):
    rgb: bool
    values: list[int]  # ids, or packed colors of an RGB file


def _read_values(path: Path) -> _Values:
    """Returns the distinct values of a label file."""
    if not _holds_rgb(path):
        ids = read_raw_labels(path)
        if ids.size and (ids.min() < 0 or ids.max() > 65535):
            raise DataError(f"{path}: label ids must lie in 0..65535, found {ids.min()}..{ids.max()}.")
        occurs = np.zeros(65536, bool)
        occurs[ids] = True
        return _Values(False, np.flatnonzero(occurs).tolist())
    packed = read_label_colors(path) @ np.array([1 << 16, 1 << 8, 1])
    return _Values(True, np.unique(packed)[:1000].tolist())  # 1000 are enough to recognize a photograph


@contextmanager
def _file_values(files: Sequence[Path]) -> Iterator[Iterator[_Values]]:
    """Context that gives the values of each file, in order. Many files are read by several processes."""
    if len(files) < _PARALLEL:
        yield map(_read_values, files)
        return
    pool = ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool.map(_read_values, files, chunksize=16)
    finally:
        pool.shutdown(cancel_futures=True)
