"""What is in a data set: counted split by split, with pictures."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from pixelwise.core.errors import DatasetNotFound
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.core.spec import Spec
from pixelwise.data import Data, DataSpec, SegmentationDataset
from pixelwise.data.base import evenly_spaced
from pixelwise.data.statistics import DatasetStatistics, survey
from pixelwise.experiment import Fit
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.viz.class_frequency import save_class_frequency
from pixelwise.viz.contact_sheet import SheetRow, save_sheet

SHOWN = 3
"""Images of each split on the sheet."""

Splits = Mapping[str, SegmentationDataset]


class _Asked(Spec):
    data: Data


def spec_of(kind: str, values: Mapping[str, str]) -> DataSpec:
    """A data set's spec from its kind and fields given as text; see `Spec.with_values`.

    Args:
        kind: Its name, or the import path of one's own (`my_file.py:MyData`).
        values: Field -> text.

    Raises:
        InvalidSpec: There is no such data set or field, or a value does not fit.
    """
    return _Asked.from_json(json.dumps({"data": kind})).data.with_values(values)


def stats(
    data: DataSpec, data_root: Path, out: Path | None = None, splits: Sequence[str] | None = None
) -> DatasetStatistics:
    """Reads every image of a data set and counts; with `out`, draws samples and the shares of the classes.

    Without `splits`, those that are there are read, except one that is nothing but others together, such as VOC's
    `trainval`; the result names what was left out. Splits that are asked for must be there, and are all read.

    Args:
        data: The data set.
        data_root: The folder below which it lies.
        out: Folder for `statistics.json`, `classes.png` and `samples.png`, new or empty; None writes nothing.
        splits: Which splits.

    Raises:
        DatasetNotFound: No split is there, or one that was asked for is not.
        InvalidSpec: The data set has no split of that name.
        DataError: A file cannot be used.
        RunError: `out` is not empty or cannot be written to.
    """
    if out:
        check_free(out, "a look at a data set")
    data = data.resolve(data_root)
    found, not_there = _open(data, data_root, splits)
    unions = {} if splits else _unions(found)
    read = {split: dataset for split, dataset in found.items() if split not in unions}
    workers = resolve_runtime(Fit()).workers
    result = DatasetStatistics(
        dataset=data.kind,
        label_space=data.label_space,
        splits={split: survey(dataset, workers) for split, dataset in read.items()},
        published_images={split: data.published_sizes[split] for split in read if split in data.published_sizes},
        not_there=not_there,
        unions=unions,
    )
    if out:
        _draw(result, read, out)
    return result


def _open(data: DataSpec, root: Path, splits: Sequence[str] | None) -> tuple[Splits, tuple[str, ...]]:
    """The splits that are there, and the names of those that are not."""
    if splits:
        return {split: data.build(split, root) for split in splits}, ()
    found: dict[str, SegmentationDataset] = {}
    missing: dict[str, DatasetNotFound] = {}
    for split in data.splits or dict.fromkeys((data.train_split, data.val_split)):
        try:
            found[split] = data.build(split, root)
        except DatasetNotFound as e:
            missing[split] = e
    if not found:
        raise next(iter(missing.values()))
    return found, tuple(missing)


def _unions(found: Splits) -> dict[str, tuple[str, ...]]:
    """Splits whose ids are those of two or more smaller ones put together -> the smaller ones."""
    ids = {split: set(dataset.ids) for split, dataset in found.items()}
    unions = {}
    for split, whole in ids.items():
        parts = [name for name, part in ids.items() if part < whole]
        # Without the rule that no id may repeat, files that are merely numbered anew in each split would count.
        together = sorted(chain.from_iterable(ids[part] for part in parts))
        if len(parts) > 1 and together == sorted(whole):
            unions[split] = tuple(parts)
    return unions


def _draw(result: DatasetStatistics, splits: Splits, out: Path) -> None:
    rows = []
    for split, dataset in splits.items():
        for index in evenly_spaced(len(dataset), SHOWN):
            image, labels, name = dataset[index]
            pixels = image.permute(1, 2, 0).numpy()
            rows.append(SheetRow(f"{split}\n{name}", pixels, None, labels.numpy().astype(np.uint8)))
    make_folder(out)
    shares = {split: found.shares for split, found in result.splits.items()}
    save_class_frequency(shares, result.label_space, out / "classes.png", title=f"{result.dataset}: pixels by class")
    save_sheet(rows, result.label_space, out / "samples.png", title=f"{result.dataset}: samples")
    write_text(out / "statistics.json", result.to_json() + "\n")
