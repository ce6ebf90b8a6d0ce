"""Files that are whole or absent: temp file -> fsync -> rename."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pixelwise.core.errors import RunError


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file so that a crash at any moment leaves the old one or the new one, never a part.

    Args:
        path: The file to make or replace; its folder must exist.
        write: Writes the whole content to the temporary path it is given (same folder, same ending).

    Raises:
        RunError: The folder cannot be written to, or the disk is full.
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
    """`write_atomic` for bytes."""

    def write(temp: Path) -> None:
        temp.write_bytes(content)

    write_atomic(path, write)


def write_text(path: Path, text: str) -> None:
    """`write_atomic` for a text, in UTF-8."""
    write_bytes(path, text.encode())


def check_free(path: Path, purpose: str, *, taken_over: bool = False) -> None:
    """Checks, without touching anything, that a folder for output can be made: before the long work, not after it.

    Args:
        path: The folder; it may be absent or empty.
        purpose: Kind of output, for the error's sentence ("a run").
        taken_over: Whether the folder may hold files, which the output replaces.

    Raises:
        RunError: It is a file, it is not empty, or it cannot be written to.
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
        raise RunError(f"cannot write to {existing}: permission denied; choose a folder that you may write to (--out).")


def check_file(path: Path) -> None:
    """Checks, without touching anything, that a file can be written: before the long work, not after it.

    Raises:
        RunError: It is a folder, or its folder is not there or cannot be written to.
    """
    if path.is_dir():
        raise RunError(f"{path} is a folder: give the file that is to be written (--out).")
    if not path.absolute().parent.is_dir():
        raise RunError(f"there is no folder {path.parent} to write {path.name} into; make it, or choose another --out.")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise RunError(f"cannot write to {path.parent}: permission denied; choose a file that you may write (--out).")


def new_folder(path: Path, purpose: str) -> None:
    """Makes a folder for output, with its parents, or takes an empty one.

    Raises:
        RunError: See `check_free`.
    """
    check_free(path, purpose)
    make_folder(path)


def make_folder(path: Path) -> None:
    """Makes a folder with its parents, or takes the one that is there.

    Raises:
        RunError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise cannot_write(path, e) from None


def cannot_write(path: Path, error: OSError) -> RunError:
    """The sentence for a failed write."""
    reason = (error.strerror or str(error)).lower()
    return RunError(f"cannot write {path}: {reason}; choose a folder that you may write to (--out) with enough space.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there, and renames are already durable
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
