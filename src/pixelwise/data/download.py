"""Download of the data sets that need no login: PASCAL VOC 2007 and 2012.

Addresses, MD5 checksums and the downloader are those of torchvision. An archive with another checksum is refused. The
archives are kept in `archives/` below the data root, so that none is downloaded twice.
"""

import errno
import socket
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from torchvision.datasets.utils import check_integrity, download_url
from torchvision.datasets.voc import DATASET_YEAR_DICT

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec, PixelwiseError, did_you_mean
from pixelwise.data import DATASETS
from pixelwise.data.voc import Voc2007, Voc2012

ARCHIVES = "archives"
"""Folder of the archives below the data root. They may be removed after unpacking."""
TIMEOUT = 60.0
"""Timeout of a connection, in seconds."""

Voc = Voc2007 | Voc2012
OFFERED: dict[str, tuple[Voc, tuple[str, ...]]] = {
    "voc2007": (Voc2007(), ("2007", "2007-test")),
    "voc2012": (Voc2012(), ("2012",)),
}
"""Kind -> spec and names of the archives in torchvision's table, for the data sets that can be downloaded."""

ELSEWHERE = {
    "camvid": "is free, without a login, but has no archive with a known checksum",
    "camvid_original": "is free, without a login, but has no archive with a known checksum",
    "cityscapes": "requires a login",
    "folder": "is a folder of your own images",
    "idd": "requires a login",
    "idd_lite": "requires a login",
    "shapes": "is drawn by code",
}
"""Kind -> reason why it cannot be downloaded, the end of a sentence about the data set."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadFailed(PixelwiseError):
    """An archive could not be downloaded or stored."""


class Archive(NamedTuple):
    """Archive on disk with the published checksum.

    Attributes:
        path: Path of the archive.
        fetched: Whether this call downloaded it.
    """

    path: Path
    fetched: bool


class Download(NamedTuple):
    """Data set on disk.

    Attributes:
        folder: Folder of the data set.
        archives: Archives that this call unpacked; empty if the data set already existed.
    """

    folder: Path
    archives: tuple[Archive, ...]


def download(kind: str, root: Path) -> Download:
    """Downloads a data set and unpacks it below the data root. An existing data set is left unchanged.

    Args:
        kind: Kind of the data set.
        root: The data root.

    Raises:
        InvalidSpec: The data set is unknown or cannot be downloaded. The message contains its address.
        DownloadFailed: The network, the server or the disk failed, or Python is too old.
        DataError: An archive cannot be used, or the folder of the data set exists but is incomplete.
    """
    if kind not in DATASETS:
        raise InvalidSpec(f"there is no data set '{kind}'.{did_you_mean(kind, DATASETS)}")
    if kind not in OFFERED:
        dataset, reason = DATASETS[kind], ELSEWHERE.get(kind, "cannot be downloaded")
        if not dataset.source:
            raise InvalidSpec(f"{kind} {reason}: there is nothing to download.")
        raise InvalidSpec(
            f"{kind} {reason}: get it from {dataset.source}\nExpected below the data root:\n{dataset.tree.rstrip()}"
        )
    spec, names = OFFERED[kind]
    sources = [DATASET_YEAR_DICT[name] for name in names]
    folder = Path(sources[0]["base_dir"])
    try:
        if (root / folder).exists():
            split = _incomplete_split(spec, root)
            if split:
                raise DataError(
                    f"{root / folder} exists but its split '{split}' is incomplete; nothing was downloaded: move the"
                    " folder elsewhere and run again."
                )
            return Download(root / folder, ())
        if not hasattr(tarfile, "data_filter"):
            raise DownloadFailed("this version of Python cannot unpack archives safely: use Python 3.11.4 or newer.")
        kept = root / ARCHIVES
        kept.mkdir(parents=True, exist_ok=True)
        archives = tuple(_fetch(source["url"], kept / source["filename"], source["md5"]) for source in sources)
        _unpack(spec, [archive.path for archive in archives], root, folder)
    except OSError as e:
        raise DownloadFailed(
            f"{e.filename or root}: {_reason(e)}; choose a writable data root (--data-root) with enough space for the"
            " archives and their content."
        ) from None
    return Download(root / folder, archives)


def _fetch(url: str, path: Path, md5: str) -> Archive:
    """Returns the archive at `path`, downloaded unless it exists with the right checksum."""
    if check_integrity(path, md5):
        return Archive(path, fetched=False)
    # In a temporary folder beside it: the archive is renamed after its checksum was verified.
    with TemporaryDirectory(prefix=".unfinished-", dir=path.parent.absolute()) as work:
        part = Path(work, path.name)
        try:
            with _connection_timeout(TIMEOUT):
                download_url(url, work, path.name)
            problem = "" if check_integrity(part, md5) else f"it is incomplete or changed (its MD5 is not {md5})"
        except (OSError, HTTPException, RecursionError) as e:
            if getattr(e, "errno", None) in _DISK_FULL:
                raise
            problem = _reason(e)
        if problem:
            raise DownloadFailed(
                f"{url} could not be downloaded: {problem}; try again later, or download it by other means, save it as"
                f" {path} and run again."
            )
        part.replace(path)
    return Archive(path, fetched=True)


def _unpack(spec: Voc, archives: Sequence[Path], root: Path, folder: Path) -> None:
    """Unpacks archives and moves their `folder` below the root in one step."""
    parent = (root / folder).parent
    # In the parent of the folder, which may be a link to another disk: a rename cannot cross disks.
    with TemporaryDirectory(prefix=".unfinished-", dir=parent if parent.is_dir() else root) as work:
        for archive in archives:
            try:
                with tarfile.open(archive, "r:") as tar:
                    tar.extractall(work, filter=_inside)
            except tarfile.FilterError as e:
                raise DataError(
                    f"{archive}: '{e.tarinfo.name}' is outside the data root or not a regular file; nothing was"
                    " unpacked: do not use this archive."
                ) from None
            except tarfile.TarError as e:
                raise DataError(f"{archive} cannot be unpacked: {e}; remove it and run again.") from None
        split = _incomplete_split(spec, Path(work))
        if split:
            names = " and ".join(str(archive) for archive in archives)
            raise DataError(
                f"{names}: the split '{split}' is missing or incomplete; remove {root / ARCHIVES} and run again."
            )
        parent.mkdir(exist_ok=True)
        Path(work, folder).rename(root / folder)


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Python's `data` filter, which also refuses absolute paths instead of unpacking them below the folder."""
    if member.name.startswith(("/", "\\")):
        raise tarfile.AbsolutePathError(member)
    return tarfile.data_filter(member, folder)


def _incomplete_split(spec: Voc, root: Path) -> str | None:
    """Returns the first split, among those with public labels, that lacks its list file or another file."""
    for split in spec.splits:
        if spec.kind == "voc2012" and split == "test":
            continue
        try:
            dataset = spec.build(split, root)
        except (DatasetNotFound, DataError):
            return split
        if not all(pair.image.is_file() and pair.labels.is_file() for pair in dataset.pairs):
            return split
    return None


@contextmanager
def _connection_timeout(seconds: float) -> Iterator[None]:
    """Context that sets the timeout of new connections; torchvision's downloader has no argument for it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: BaseException) -> str:
    """Returns the message of the operating system. urllib wraps the error of a connection in its own one."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, OSError):
        error = cause
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
