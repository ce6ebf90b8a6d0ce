"""A user's own components: imports from files, copies of these files, and errors in them."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pydantic import ValidationError

from pixelwise.core.errors import InvalidSpec

_code_folder: ContextVar[Path | None] = ContextVar("code_folder", default=None)


@contextmanager
def code_folder(folder: Path) -> Iterator[None]:
    """Context in which `load_object` looks for a `.py` file in a folder before its own path.

    Args:
        folder: Folder with copies of source files, such as that of a run. It may be absent.
    """
    token = _code_folder.set(folder)
    try:
        yield
    finally:
        _code_folder.reset(token)


def load_object(path: str) -> Any:
    """Imports the object of an import path: `my_file.py:MyNet` or `my_package.module:MyNet`.

    A file is imported once for each content, so that a changed file is imported again.

    Raises:
        InvalidSpec: The file, module or object does not exist, or the import fails.
    """
    source, _, name = path.rpartition(":")
    try:
        module = _module_of_file(path, Path(source)) if source.endswith(".py") else importlib.import_module(source)
    except InvalidSpec:
        raise
    except Exception as e:  # a file of the user may raise anything
        raise InvalidSpec(f"'{path}' cannot be imported: {located(e)}.") from e
    _sources.add(str(vars(module).get("__file__")))  # a module in C has none
    if not hasattr(module, name):
        raise InvalidSpec(f"'{path}': {source} has no '{name}'.")
    return getattr(module, name)


class UserFile(NamedTuple):
    """A user's Python file, as it was imported: the file itself may be changed, moved or removed afterwards.

    Attributes:
        path: Path of the file.
        content: Its source code.
    """

    path: Path
    content: bytes


_user_files: dict[str, UserFile] = {}
_sources: set[str] = set()
"""Paths of the files that define a user's objects: those of `_user_files`, and those of imported modules."""


def user_files() -> dict[str, UserFile]:
    """Module name -> the user's files that were imported so far; see `import_user_file`."""
    return dict(_user_files)


def import_user_file(name: str, file: UserFile) -> None:
    """Imports a user's file under a given module name, so that a worker process can unpickle its objects."""
    if name not in sys.modules:
        _import_file(name, file)


def user_file_of(kind: type) -> UserFile:
    """The file that defines a user's class."""
    known = _user_files.get(kind.__module__)
    path = Path(inspect.getfile(kind))
    return known or UserFile(path, path.read_bytes())


def _module_of_file(path: str, given: Path) -> ModuleType:
    folder = _code_folder.get()
    file = folder / given.name if folder and (folder / given.name).is_file() else given.resolve()
    if not file.is_file():
        raise InvalidSpec(f"'{path}': there is no file {file}.")
    content = file.read_bytes()
    name = f"pixelwise_user_{file.stem}_{blake2b(content, digest_size=8).hexdigest()}"
    import_user_file(name, UserFile(file, content))
    return sys.modules[name]


def _import_file(name: str, file: UserFile) -> None:
    module = ModuleType(name)
    module.__file__ = str(file.path)
    sys.modules[name] = module
    _sources.add(str(file.path))
    try:
        exec(compile(file.content, str(file.path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]  # it is incomplete
        raise
    _user_files[name] = file


def error_in_user_file(error: BaseException) -> InvalidSpec | None:
    """One sentence about an exception that a user's file raised or caused, with its line; None for any other."""
    return InvalidSpec(f"{located(error)}.") if _last_line(error) else None


def located(error: BaseException) -> str:
    """Type and message of an exception, on one line, after the last line of a user's file that it passed through."""
    place = _last_line(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        field = "".join(f"{part}: " for part in first["loc"][:1])
        return f"{place}invalid {error.title}: {field}{first['msg'].removeprefix('Value error, ')}"
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{place}{type(error).__name__}: {text}" if text else f"{place}{type(error).__name__}"


def _last_line(error: BaseException) -> str:
    """File, line and function of the last line of a user's file that an exception passed through; empty if none."""
    calls = [call for call in traceback.extract_tb(error.__traceback__) if call.filename in _sources]
    return f"{Path(calls[-1].filename).name}, line {calls[-1].lineno}, in {calls[-1].name}: " if calls else ""
