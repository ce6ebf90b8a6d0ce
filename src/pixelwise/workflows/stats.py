"""Statistics of a data set by split, with figures."""

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
"""Number of images of each split on the contact sheet."""

Splits = Mapping[str, SegmentationDataset]


class _DataField(Spec):
    data: Data


def spec_of(kind: str, values: Mapping[str, str]) -> DataSpec:
    """Spec of a data set from its kind and from fields given as text; see `Spec.with_values`.

    Args:
        kind: Name of the data set, or the import path of a user's own (`my_file.py:MyData`).
        values: Field -> text.

    Raises:
        InvalidSpec: There is no such data set or field, or a value does not fit.
    """
    return _DataField.from_json(json.dumps({"data": kind})).data.with_values(values)


def stats(
    data: DataSpec, data_root: Path, out: Path | None = None, splits: Sequence[str] | None = None
) -> DatasetStatistics:
    """Counts images, sizes, pixels and colors of a data set; with `out`, also draws samples and class frequencies.

    Without `splits`, all splits on disk are read, except unions of other splits, such as `trainval` of VOC. The result
    names the splits that were left out.

    Args:
        data: The data set.
        data_root: Folder of the data sets.
        out: Folder for `statistics.json`, `classes.png` and `samples.png`, new or empty; None writes nothing.
        splits: Splits to read; all of them must be on disk.

    Raises:
        DatasetNotFound: No split is on disk, or one of `splits` is missing.
        InvalidSpec: The data set has no split of that name.
        DataError: A file cannot be used.
        RunError: `out` is not empty or cannot be written to.
    """
    if out:
        check_free(out, "the statistics of a data set")
    data = data.resolve(data_root)
    opened, missing = _open(data, data_root, splits)
    unions = {} if splits else _unions(opened)
    read = {split: dataset for split, dataset in opened.items() if split not in unions}
    workers = resolve_runtime(Fit()).workers
    result = DatasetStatistics(
        dataset=data.kind,
        label_space=data.label_space,
        splits={split: survey(dataset, workers) for split, dataset in read.items()},
        published_images={split: data.published_sizes[split] for split in read if split in data.published_sizes},
        not_there=missing,
        unions=unions,
    )
    if out:
        _draw(result, read, out)
    return result


def _open(data: DataSpec, root: Path, splits: Sequence[str] | None) -> tuple[Splits, tuple[str, ...]]:
    """The splits on disk, and the names of the missing ones."""
    if splits:
        return {split: data.build(split, root) for split in splits}, ()
    opened: dict[str, SegmentationDataset] = {}
    missing: dict[str, DatasetNotFound] = {}
    for split in data.splits or dict.fromkeys((data.train_split, data.val_split)):
        try:
            opened[split] = data.build(split, root)
        except DatasetNotFound as e:
            missing[split] = e
    if not opened:
        raise next(iter(missing.values()))
    return opened, tuple(missing)


def _unions(splits: Splits) -> dict[str, tuple[str, ...]]:
    """Split -> two or more smaller splits that together have exactly its ids."""
    ids = {split: set(dataset.ids) for split, dataset in splits.items()}
    unions = {}
    for split, union in ids.items():
        parts = [name for name, part in ids.items() if part < union]
        # No id may repeat: else splits whose files are numbered from 1 in each of them would match.
        together = sorted(chain.from_iterable(ids[part] for part in parts))
        if len(parts) > 1 and together == sorted(union):
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
    shares = {split: counted.shares for split, counted in result.splits.items()}
    save_class_frequency(shares, result.label_space, out / "classes.png", title=f"{result.dataset}: pixels by class")
    save_sheet(rows, result.label_space, out / "samples.png", title=f"{result.dataset}: samples")
    write_text(out / "statistics.json", result.to_json() + "\n")
