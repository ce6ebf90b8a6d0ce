"""Cache of decoded splits: pixels and class ids in one memory-mapped file, which all processes share.

The name of the file is a digest of the spec of the data set and of the bytes of every image and label file. Other
content has another name, so a cached file is never out of date.
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
"""Version of the layout of the file and of the decoding. A change of either increases it."""
RESERVE = 2**31
"""Bytes of the disk that the cache leaves free."""
KEPT = 30 * 24 * 3600
"""Seconds after its last use until a file is removed."""


def folder() -> Path:
    """Returns the folder of the cache: PIXELWISE_CACHE, else `.cache/pixelwise` in the home folder."""
    return Path(os.environ.get("PIXELWISE_CACHE") or Path.home() / ".cache" / "pixelwise")


class DecodedSplit:
    """Split in the cache; see `SegmentationDataset`.

    The file contains the samples one after the other: the image `[H, W, 3]` and then the labels `[H, W]`, all uint8.

    Args:
        file: The cached file.
        sides: (H, W) of each sample.
        ids: Names of the samples.
        space: Classes of the data set.
    """

    def __init__(self, file: Path, sides: list[tuple[int, int]], ids: list[str], space: LabelSpace) -> None:
        self.file, self.ids, self.label_space = file, ids, space
        self._sides = sides
        self._starts = [0, *accumulate(4 * height * width for height, width in sides)]
        self._bytes: UInt8[np.ndarray, " _"] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """Returns a sample. Its tensors are views of the mapped file; writing to them does not change the file."""
        if self._bytes is None:  # each process maps the file when it first reads a sample
            self._bytes = np.memmap(self.file, np.uint8, mode="c")
        height, width = self._sides[index]
        one = torch.from_numpy(self._bytes[self._starts[index] : self._starts[index + 1]])
        image, labels = one[: 3 * height * width], one[3 * height * width :]
        return Sample(image.view(height, width, 3).permute(2, 0, 1), labels.view(height, width), self.ids[index])

    def __getstate__(self) -> dict[str, object]:
        """State for a spawned worker process, which maps the file itself."""
        return {**self.__dict__, "_bytes": None}

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self._starts[-1]


def with_cache(dataset: SegmentationDataset, spec: DataSpec, workers: int = 0) -> SegmentationDataset:
    """Returns a split from the cache, decoded into it if necessary; or the split itself where it cannot be cached.

    A split is not cached if it does not consist of pairs of files, if a user's own code builds it (a digest does not
    notice changes of the code), if the disk is almost full, or if the folder of the cache is not writable.

    Args:
        dataset: The split.
        spec: The spec that built it.
        workers: Number of processes that decode.

    Raises:
        DataError: A file cannot be used.
    """
    if not isinstance(dataset, PairedFiles) or ":" in spec.kind:
        return dataset
    name = _digest(dataset, spec)
    if name is None:
        return dataset
    index, file = folder() / f"{name}.json", folder() / f"{name}.bin"
    cached = _open(index, file, dataset)
    if cached is None and _decode(index, file, dataset, workers):
        cached = _open(index, file, dataset)
    return dataset if cached is None else cached


def _digest(dataset: PairedFiles, spec: DataSpec) -> str | None:
    """Returns the name of a split in the cache; None if a file cannot be read, which decoding will report."""
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
    """Opens a split in the cache; None if it is missing or incomplete."""
    try:
        sides = [(int(height), int(width)) for height, width in json.loads(index.read_text(encoding="utf-8"))]
        split = DecodedSplit(file, sides, dataset.ids, dataset.label_space)
        if len(sides) != len(dataset) or file.stat().st_size != split.size:
            return None
        os.utime(file)
    except (OSError, ValueError):
        return None
    return split


def _decode(index: Path, file: Path, dataset: PairedFiles, workers: int) -> bool:
    """Decodes a split into the cache. Returns whether there was enough space."""
    sides: list[tuple[int, int]] = []

    def write(temp: Path) -> None:
        with temp.open("wb") as out:
            for image, labels, _ in read_samples(dataset, workers):
                if shutil.disk_usage(temp.parent).free < RESERVE:
                    raise _DiskFull
                out.write(image.permute(1, 2, 0).contiguous().numpy().data)
                out.write(labels.contiguous().numpy().data)
                sides.append((labels.shape[0], labels.shape[1]))

    try:
        make_folder(file.parent)
        _remove_unused(file.parent)
        write_atomic(file, write)
        write_text(index, json.dumps(sides))  # written last: a split with an index is complete
    except (_DiskFull, RunError):
        return False
    return True


class _DiskFull(Exception):
    """The disk has not enough space for the split."""


def _remove_unused(cache: Path) -> None:
    for file in cache.glob("*.bin"):
        if time.time() - file.stat().st_mtime > KEPT:
            file.unlink(missing_ok=True)
            file.with_suffix(".json").unlink(missing_ok=True)
