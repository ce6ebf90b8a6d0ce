"""Download of the data sets that may be fetched without a login: PASCAL VOC 2007 and 2012.

The archives come from where torchvision knows them, by its downloader, and count only when their MD5 is the published
one. They are kept in `archives/` below the data root, so that nothing is fetched twice.
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
"""The folder below the data root in which archives are kept. They may be removed once they are unpacked."""
TIMEOUT = 60.0
"""Seconds without an answer after which a server is given up."""

Voc = Voc2007 | Voc2012
OFFERED: dict[str, tuple[Voc, tuple[str, ...]]] = {
    "voc2007": (Voc2007(), ("2007", "2007-test")),
    "voc2012": (Voc2012(), ("2012",)),
}
"""The data sets that can be downloaded, with the names of their archives in torchvision's table."""

ELSEWHERE = {
    "camvid": "is free, without a login, but has no archive with a known checksum",
    "camvid_original": "is free, without a login, but has no archive with a known checksum",
    "cityscapes": "wants a login",
    "folder": "reads images of your own",
    "idd": "wants a login",
    "idd_lite": "wants a login",
    "shapes": "is drawn by code",
}
"""Why a data set cannot be downloaded."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadFailed(PixelwiseError):
    """An archive that could not be fetched or stored."""


class Archive(NamedTuple):
    """A good archive on disk.

    Attributes:
        path: Where it is kept.
        fetched: Whether it came over the network just now.
    """

    path: Path
    fetched: bool


class Download(NamedTuple):
    """A data set that is there.

    Attributes:
        folder: Its folder.
        archives: What it was unpacked from; none if it was there before.
    """

    folder: Path
    archives: tuple[Archive, ...]


def download(kind: str, root: Path) -> Download:
    """Brings a data set below the data root; one that is there already is left as it is.

    Args:
        kind: Which data set.
        root: The data root.

    Raises:
        InvalidSpec: The data set is unknown or cannot be downloaded; the text says where to get it.
        DownloadFailed: The network, the server or the disk failed, or Python is too old.
        DataError: An archive cannot be used, or the data set's folder is there but not complete.
    """
    if kind not in DATASETS:
        raise InvalidSpec(f"there is no data set '{kind}'.{did_you_mean(kind, DATASETS)}")
    if kind not in OFFERED:
        about, why = DATASETS[kind], ELSEWHERE.get(kind, "cannot be downloaded")
        if not about.source:
            raise InvalidSpec(f"{kind} {why}: there is nothing to download.")
        raise InvalidSpec(
            f"{kind} {why}: get it from {about.source}\nPut it below the data root like this:\n{about.tree.rstrip()}"
        )
    spec, names = OFFERED[kind]
    sources = [DATASET_YEAR_DICT[name] for name in names]
    folder = Path(sources[0]["base_dir"])
    try:
        if (root / folder).exists():
            split = _incomplete_split(spec, root)
            if split:
                raise DataError(
                    f"{root / folder} is there but its split '{split}' is not complete; nothing was downloaded:"
                    " move the folder away and run again."
                )
            return Download(root / folder, ())
        if not hasattr(tarfile, "data_filter"):
            raise DownloadFailed("this Python cannot unpack archives safely: use Python 3.11.4 or newer.")
        kept = root / ARCHIVES
        kept.mkdir(parents=True, exist_ok=True)
        archives = tuple(_fetch(source["url"], kept / source["filename"], source["md5"]) for source in sources)
        _unpack(spec, [archive.path for archive in archives], root, folder)
    except OSError as e:
        raise DownloadFailed(
            f"{e.filename or root}: {_reason(e)}; choose a data root (--data-root) that you may write to, with room"
            " for the archives and for what they unpack to."
        ) from None
    return Download(root / folder, archives)


def _fetch(url: str, path: Path, md5: str) -> Archive:
    """The archive at `path`, fetched unless a good one is there."""
    if check_integrity(path, md5):
        return Archive(path, fetched=False)
    # Beside its place, so that it gets its name by a rename, and only once it is known to be whole.
    with TemporaryDirectory(prefix=".unfinished-", dir=path.parent.absolute()) as work:
        part = Path(work, path.name)
        try:
            with _patience(TIMEOUT):
                download_url(url, work, path.name)
            wrong = "" if check_integrity(part, md5) else f"it arrived cut off or changed (its MD5 is not {md5})"
        except (OSError, HTTPException, RecursionError) as e:
            if getattr(e, "errno", None) in _FULL:
                raise
            wrong = _reason(e)
        if wrong:
            raise DownloadFailed(
                f"{url} could not be fetched: {wrong}; try again later, or fetch it by other means, save it as {path}"
                " and run again."
            )
        part.replace(path)
    return Archive(path, fetched=True)


def _unpack(spec: Voc, archives: Sequence[Path], root: Path, folder: Path) -> None:
    """Unpacks archives and moves `folder` out of them below the root, whole or not at all."""
    shelf = (root / folder).parent
    # Where the folder will lie, which may be a link to another disk: a rename cannot leave its disk.
    with TemporaryDirectory(prefix=".unfinished-", dir=shelf if shelf.is_dir() else root) as work:
        for archive in archives:
            try:
                with tarfile.open(archive, "r:") as tar:
                    tar.extractall(work, filter=_inside)
            except tarfile.FilterError as e:
                raise DataError(
                    f"{archive}: '{e.tarinfo.name}' would leave the data root or is no plain file; nothing was"
                    " unpacked: do not use this archive."
                ) from None
            except tarfile.TarError as e:
                raise DataError(f"{archive} cannot be unpacked: {e}; remove it and run again.") from None
        split = _incomplete_split(spec, Path(work))
        if split:
            names = " and ".join(str(archive) for archive in archives)
            raise DataError(
                f"{names}: there is no complete split '{split}' in there; remove {root / ARCHIVES} and run again."
            )
        shelf.mkdir(exist_ok=True)
        Path(work, folder).rename(root / folder)


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Python's `data` filter, which would unpack an absolute path below the folder: here that is refused."""
    if member.name.startswith(("/", "\\")):
        raise tarfile.AbsolutePathError(member)
    return tarfile.data_filter(member, folder)


def _incomplete_split(spec: Voc, root: Path) -> str | None:
    """The first split that lacks its list or a file, of those whose labels are public."""
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
def _patience(seconds: float) -> Iterator[None]:
    """Lets every new connection give up after a while; torchvision's downloader has no such argument."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: BaseException) -> str:
    """What went wrong, in the system's words. urllib wraps the error of a connection in one of its own."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, OSError):
        error = cause
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
