"""Atomic file writes (temporary file → fsync → rename), and checks of output paths before a long computation."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pixelwise.core.errors import RunError


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file so that a crash at any time leaves either the old or the new content, never a part of it.

    Args:
        path: File to create or replace. Its folder must exist.
        write: Function that writes the whole content to the temporary path that it receives. That path has the folder
            and the suffix of `path`.

    Raises:
        RunError: The folder is not writable, or the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
    except OSError as e:
        raise cannot_write(path, e) from None
    os.close(handle)
    temp = Path(name)
    try:
        write(temp)
        with temp.open("rb+") as f:
            os.fsync(f.fileno())
        temp.chmod(0o666 & ~_umask())
        temp.replace(path)
        _sync_folder(path.parent)
    except OSError as e:
        raise cannot_write(path, e) from None
    finally:
        temp.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes with `write_atomic`."""

    def write(temp: Path) -> None:
        temp.write_bytes(content)

    write_atomic(path, write)


def write_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8 with `write_atomic`."""
    write_bytes(path, text.encode())


def check_free(path: Path, purpose: str, *, taken_over: bool = False) -> None:
    """Checks that an output folder can be created, before a long computation. Creates nothing.

    Args:
        path: The folder. It may be absent or empty.
        purpose: Kind of output, for the error message ("a run").
        taken_over: Whether the folder may contain files, which the output replaces.

    Raises:
        RunError: The path is a file, or the folder is not empty or not writable.
    """
    try:
        existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
        if not existing.is_dir():
            raise RunError(f"{existing} is a file: {purpose} needs a new or empty folder; choose another --out.")
        if path.is_dir() and any(path.iterdir()) and not taken_over:
            raise RunError(f"{path} is not empty: {purpose} needs a new or empty folder; choose another --out.")
    except OSError as e:
        raise cannot_write(path, e) from None
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"cannot write to {existing}: permission denied; choose a writable folder (--out).")


def check_file(path: Path) -> None:
    """Checks that an output file can be written, before a long computation. Creates nothing.

    Raises:
        RunError: The path is a folder, or its folder is missing or not writable.
    """
    if path.is_dir():
        raise RunError(f"{path} is a folder: give the path of a file (--out).")
    if not path.absolute().parent.is_dir():
        raise RunError(
            f"there is no folder {path.parent} to write {path.name} into; create it or choose another --out."
        )
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise RunError(f"cannot write to {path.parent}: permission denied; choose a writable folder (--out).")


def new_folder(path: Path, purpose: str) -> None:
    """Creates an output folder with its parents. An empty folder is accepted.

    Raises:
        RunError: See `check_free`.
    """
    check_free(path, purpose)
    make_folder(path)


def make_folder(path: Path) -> None:
    """Creates a folder with its parents. An existing folder is accepted.

    Raises:
        RunError: The folder cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise cannot_write(path, e) from None


def cannot_write(path: Path, error: OSError) -> RunError:
    """Returns the error for a failed write."""
    reason = (error.strerror or str(error)).lower()
    return RunError(f"cannot write {path}: {reason}; choose a writable folder (--out) with enough space.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and its renames are durable
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
