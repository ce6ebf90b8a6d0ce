"""Preparation of a data set for training: opens the splits, decodes them into the cache, and measures statistics."""

from pathlib import Path
from typing import NamedTuple

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data.base import DataSpec, SegmentationDataset
from pixelwise.data.cache import with_cache
from pixelwise.data.statistics import Statistics, measure


class Splits(NamedTuple):
    """The splits of a training.

    Attributes:
        train: Training split.
        val: Validation split.
        label_space: Classes of the data set.
        statistics: Statistics of the training split.
    """

    train: SegmentationDataset
    val: SegmentationDataset
    label_space: LabelSpace
    statistics: Statistics


def open_splits(spec: DataSpec, root: Path) -> tuple[SegmentationDataset, SegmentationDataset]:
    """Opens the training and the validation split. Reads no image.

    Raises:
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is missing.
        DataError: A split of a user's data set lacks a part of `SegmentationDataset`.
    """
    return _open(spec, spec.train_split, root), _open(spec, spec.val_split, root)


def _open(spec: DataSpec, split: str, root: Path) -> SegmentationDataset:
    opened: object = spec.build(split, root)
    if not isinstance(opened, SegmentationDataset):
        lacking = [name for name in ("label_space", "ids", "__len__", "__getitem__") if not hasattr(opened, name)]
        raise DataError(f"the split '{split}' is a {type(opened).__name__} without {', '.join(lacking)}; define them.")
    return opened


def prepare(spec: DataSpec, root: Path, workers: int, statistics: Statistics | None = None) -> Splits:
    """Opens both splits, decodes them into the cache where that is possible, and measures the training split.

    Args:
        spec: The data set.
        root: The data root.
        workers: Number of processes that decode.
        statistics: Statistics of an earlier measurement, which is then not repeated.

    Raises:
        InvalidSpec: The data set has no such split.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    train, val = (with_cache(split, spec, workers) for split in open_splits(spec, root))
    return Splits(train, val, spec.label_space, statistics or measure(train, workers))
