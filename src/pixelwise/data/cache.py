"""A split decoded once: pixels and class ids in one file of the user's cache, which all processes map and share.

The file has the name of what it was made from, a digest of the bytes of every image and label file and of the data
set's spec: other content has another name, so that nothing in it can be out of date.
"""

import json
import os
import shutil
import time
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from pixelwise.core.errors import RunError
from pixelwise.core.files import make_folder, write_atomic, write_text
from pixelwise.core.label_space import LabelSpace
from pixelwise.data.base import DataSpec, Sample, SegmentationDataset
from pixelwise.data.files import PairedFiles
from pixelwise.data.loading import read_samples

VERSION = 1
"""Of the layout below and of how files are decoded: a change of either raises it."""
RESERVE = 2**31
"""Bytes that stay free on the disk."""
KEPT = 30 * 24 * 3600
"""Seconds after its last use until a cache is removed."""


def folder() -> Path:
    """Where caches lie: PIXELWISE_CACHE, else `.cache/pixelwise` in the user's home."""
    return Path(os.environ.get("PIXELWISE_CACHE") or Path.home() / ".cache" / "pixelwise")


class DecodedSplit:
    """A split as its cache holds it; see `SegmentationDataset`.

    Each sample lies as its image `[H, W, 3]` and then its labels `[H, W]`, all uint8, one after the other.

    Args:
        file: The cache.
        sides: (H, W) of each sample.
        ids: Names of the samples.
        space: The classes.
    """

    def __init__(self, file: Path, sides: list[tuple[int, int]], ids: list[str], space: LabelSpace) -> None:
        self.file, self.ids, self.label_space = file, ids, space
        self._sides = sides
        self._starts = [0, *accumulate(4 * height * width for height, width in sides)]
        self._bytes: UInt8[np.ndarray, " _"] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """A sample whose tensors are views of the mapped file: what is changed in them changes no file."""
        if self._bytes is None:  # mapped where it is first used, which may be a worker process
            self._bytes = np.memmap(self.file, np.uint8, mode="c")
        height, width = self._sides[index]
        one = torch.from_numpy(self._bytes[self._starts[index] : self._starts[index + 1]])
        image, labels = one[: 3 * height * width], one[3 * height * width :]
        return Sample(image.view(height, width, 3).permute(2, 0, 1), labels.view(height, width), self.ids[index])

    def __getstate__(self) -> dict[str, object]:
        """For a worker that is spawned: it maps the file itself, instead of being sent its content."""
        return {**self.__dict__, "_bytes": None}

    @property
    def size(self) -> int:
        """Bytes that the file must have."""
        return self._starts[-1]


def with_cache(dataset: SegmentationDataset, spec: DataSpec, workers: int = 0) -> SegmentationDataset:
    """A split as it was decoded, before or now; the split itself where that cannot be.

    It cannot be for splits that are no pairs of files, for data sets of a user's own code, whose changes no digest
    sees, and where the disk is too full or the cache's folder cannot be written to.

    Args:
        dataset: The split.
        spec: What built it.
        workers: Processes that decode.

    Raises:
        DataError: A file cannot be used.
    """
    if not isinstance(dataset, PairedFiles) or ":" in spec.kind:
        return dataset
    name = _digest(dataset, spec)
    if name is None:
        return dataset
    index, file = folder() / f"{name}.json", folder() / f"{name}.bin"
    found = _open(index, file, dataset)
    if found is None and _make(index, file, dataset, workers):
        found = _open(index, file, dataset)
    return dataset if found is None else found


def _digest(dataset: PairedFiles, spec: DataSpec) -> str | None:
    """The name of a split's cache; None where a file cannot be read, which whoever decodes it will say better."""
    digest = blake2b(f"{VERSION} {spec.to_json()} {dataset.label_space.to_json()}".encode(), digest_size=16)
    try:
        for pair in dataset.pairs:
            digest.update(pair.id.encode())
            for file in (pair.image, pair.labels):
                digest.update(blake2b(file.read_bytes()).digest())
    except OSError:
        return None
    return digest.hexdigest()


def _open(index: Path, file: Path, dataset: PairedFiles) -> DecodedSplit | None:
    """The cache, where it is there and whole."""
    try:
        sides = [(int(height), int(width)) for height, width in json.loads(index.read_text(encoding="utf-8"))]
        split = DecodedSplit(file, sides, dataset.ids, dataset.label_space)
        if len(sides) != len(dataset) or file.stat().st_size != split.size:
            return None
        os.utime(file)
    except (OSError, ValueError):
        return None
    return split


def _make(index: Path, file: Path, dataset: PairedFiles, workers: int) -> bool:
    """Decodes a split into its cache; whether there was room for it."""
    sides: list[tuple[int, int]] = []

    def write(temp: Path) -> None:
        with temp.open("wb") as out:
            for image, labels, _ in read_samples(dataset, workers):
                if shutil.disk_usage(temp.parent).free < RESERVE:
                    raise _NoRoom
                out.write(image.permute(1, 2, 0).contiguous().numpy().data)
                out.write(labels.contiguous().numpy().data)
                sides.append((labels.shape[0], labels.shape[1]))

    try:
        make_folder(file.parent)
        _remove_unused(file.parent)
        write_atomic(file, write)
        write_text(index, json.dumps(sides))  # last: a cache with an index is whole
    except (_NoRoom, RunError):
        return False
    return True


class _NoRoom(Exception):
    """The disk is too full for a cache."""


def _remove_unused(place: Path) -> None:
    for file in place.glob("*.bin"):
        if time.time() - file.stat().st_mtime > KEPT:
            file.unlink(missing_ok=True)
            file.with_suffix(".json").unlink(missing_ok=True)
