"""Atomic file writes, and checks of output folders."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelwise.core.errors import RunError
from pixelwise.core.files import check_free, new_folder, write_atomic, write_text


@pytest.fixture
def umask() -> Iterator[None]:
    """The tests' process gets its own mask back."""
    old = os.umask(0o022)
    yield
    os.umask(old)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != "work")


@pytest.mark.parametrize(
    ("failure", "arrives_as"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), RunError),
        (ValueError("a bug"), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["full disk", "bug", "Ctrl-C"],
)
def test_a_write_that_fails_midway_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: BaseException, arrives_as: type[BaseException]
) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def write(temp: Path) -> None:
        temp.write_text("ne")
        raise failure

    with pytest.raises(arrives_as):
        write_atomic(path, write)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["result.json"]


def test_a_full_disk_is_a_sentence_with_the_file_and_the_reason(tmp_path: Path) -> None:
    def write(temp: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match=rf"cannot write {tmp_path / 'a.txt'}: no space left on device; choose"):
        write_atomic(tmp_path / "a.txt", write)
    assert names(tmp_path) == []


def test_until_the_writing_is_done_readers_see_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    seen = []

    def write(temp: Path) -> None:
        assert temp.parent == path.parent, "a rename across file systems is a copy"
        assert temp.suffix == path.suffix, "writers choose the format by it"
        temp.write_text("new")
        seen.append(path.read_text())

    write_atomic(path, write)
    assert [*seen, path.read_text()] == ["old", "new"]
    assert names(tmp_path) == ["a.txt"]


def test_text_is_utf_8_everywhere(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Straße → 道")
    assert (tmp_path / "a.txt").read_bytes() == "Straße → 道".encode()


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask_not_the_temporary_file(tmp_path: Path, mask: int, mode: int) -> None:
    os.umask(mask)
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode
    assert os.umask(mask) == mask, "asking for the mask changed it"


def test_writing_into_an_absent_folder_or_over_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot write .*absent/a\.txt: no such file or directory"):
        write_text(tmp_path / "absent" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*folder: is a directory"):
        write_text(tmp_path / "folder", "x")
    assert names(tmp_path) == ["folder"]


def test_a_check_makes_nothing(tmp_path: Path) -> None:
    check_free(tmp_path / "a" / "b", "a run")
    assert names(tmp_path) == []


def test_a_new_folder_is_made_with_its_parents_or_taken_empty(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    new_folder(path, "a run")
    assert path.is_dir()
    new_folder(path, "a run")


@pytest.mark.parametrize("way", ["run", "run/deeper/still"])
def test_a_file_in_the_way_is_called_a_file(tmp_path: Path, way: str) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(RunError, match=f"{tmp_path / 'run'} is a file: a run needs a new or empty folder"):
        check_free(tmp_path / way, "a run")


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".hidden").touch()
    with pytest.raises(RunError, match=f"{tmp_path / 'run'} is not empty: a run needs"):
        check_free(tmp_path / "run", "a run")
    assert names(tmp_path / "run") == [".hidden"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that even root cannot write to")
def test_a_place_that_cannot_be_written_to_is_a_sentence() -> None:
    with pytest.raises(RunError, match=r"cannot write .*choose a writable folder"):
        new_folder(Path("/proc/nowhere/run"), "a run")


def test_a_name_that_the_file_system_refuses_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot write .*: file name too long"):
        check_free(tmp_path / ("x" * 300), "a run")
