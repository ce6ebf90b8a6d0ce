"""Specs: frozen descriptions of *what*, with JSON both ways and errors that name the valid choices."""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from pixelwise.core.errors import InvalidSpec, did_you_mean


class Spec(BaseModel):
    """Base of every spec: frozen, unknown fields refused, JSON both ways."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote.

        Raises:
            InvalidSpec: Not JSON, an unknown field, or a value of the wrong type.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as e:
            raise InvalidSpec(explain(e, cls)) from None

    def to_json(self) -> str:
        """The spec as indented JSON; `from_json` gives an equal spec back."""
        return self.model_dump_json(indent=2)

    def replace(self, **fields: Any) -> Self:
        """A copy with some fields replaced, validated like a new one.

        Raises:
            InvalidSpec: An unknown field or a value that does not fit.
        """
        current = {name: getattr(self, name) for name in type(self).model_fields}
        try:
            return type(self).model_validate(current | fields)
        except ValidationError as e:
            raise InvalidSpec(explain(e, type(self))) from None

    def with_values(self, values: Mapping[str, str]) -> Self:
        """A copy with values given as text, as `--set path=value` gives them.

        Args:
            values: Dotted path -> text. A text is tried as a string first, then as JSON; `none` is null. Setting the
                `kind` of a component gives that component with its own defaults.

        Raises:
            InvalidSpec: An unknown path (the valid ones are listed) or a value that does not fit its field.
        """
        tree: Tree = {}
        for path, text in values.items():
            node = tree
            for step in path.split("."):
                node = node.setdefault(step, {})
            node[None] = text
        return self._with(tree, "", self)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """Every dotted path that `with_values` takes."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Spec):
                yield from value.paths(f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    def _with(self, tree: "Tree", prefix: str, root: "Spec") -> Self:
        """Applies texts. The fields of one spec are replaced together: a rule that joins two sees both new values."""
        changes = {}
        for name, node in tree.items():
            path, field = f"{prefix}{name}", type(self).model_fields.get(str(name))
            inner = {key: sub for key, sub in node.items() if key is not None}
            if field is None:
                wrong = _longest(path, inner)
                raise InvalidSpec(f"there is no field '{wrong}'.{did_you_mean(wrong, root.paths())}")
            text, asked = node.get(None), path
            chosen = any(isinstance(m, WrapValidator) for m in field.metadata)  # see `choice`
            if chosen and None in inner.get("kind", {}):
                text, asked = inner.pop("kind")[None], f"{path}.kind"
            value = getattr(self, str(name)) if text is None else _parse(field, text, asked)
            if inner and not isinstance(value, Spec):
                wrong = _longest(path, inner)
                state = "is not set" if value is None else f"is {value!r} and has no fields"
                raise InvalidSpec(f"there is no field '{wrong}': '{path}' {state}.{did_you_mean(wrong, root.paths())}")
            changes[str(name)] = value._with(inner, f"{path}.", root) if inner else value
        try:
            return self.replace(**changes)
        except InvalidSpec as e:
            raise InvalidSpec(f"{', '.join(prefix + name for name in changes)}: {e}") from None


SpecT = TypeVar("SpecT", bound=Spec)
Tree = dict[str | None, Any]
"""Texts by path: name -> tree; under None, the text of the field itself."""


def _longest(path: str, inner: Tree) -> str:
    """A path with all that was asked for below it."""
    while step := next((key for key in inner if key is not None), None):
        path, inner = f"{path}.{step}", inner[step]
    return path


def _parse(field: FieldInfo, text: str, path: str) -> Any:
    """The value of a field that a text means: as a string if the field takes it so, else as JSON."""
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)
    reason = ""
    for value in _readings(text):
        try:
            return adapter.validate_python(value)
        except (ValidationError, InvalidSpec) as e:
            reason = (
                str(e) if isinstance(e, InvalidSpec) else explain(e, kind)
            )  # the last reading's: of JSON, it names the wrong part
    raise InvalidSpec(f"{path}={text} does not fit: {reason}")


def _readings(text: str) -> Iterator[Any]:
    """What a text may mean, in the order of preference."""
    if text.lower() == "none":
        yield None
    yield text
    with suppress(json.JSONDecodeError):
        yield json.loads(text)


def explain(error: ValidationError, spec: Any) -> str:
    """One sentence for the first thing that pydantic found wrong with a value of type `spec`."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        if len(first["loc"]) > 1 or not hasattr(spec, "model_fields"):
            return f"there is no field '{where}'"
        return f"there is no field '{where}' in {spec.__name__}.{did_you_mean(where, spec.model_fields)}"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message[:1].lower() + message[1:]
    given = "" if first["type"] in ("missing", "value_error") else f" (given: {first['input']!r})"
    return f"{where}: {message}{given}" if where else message + given


_code_folder: ContextVar[Path | None] = ContextVar("code_folder", default=None)


@contextmanager
def code_folder(folder: Path) -> Iterator[None]:
    """While entered, `load_object` takes a `.py` file from this folder if a file of that name is in it.

    Args:
        folder: Folder of copied source files; it may be absent.
    """
    token = _code_folder.set(folder)
    try:
        yield
    finally:
        _code_folder.reset(token)


def load_object(path: str) -> Any:
    """The object of an import path: `my_file.py:MyNet` or `my_package.module:MyNet`.

    A file is imported once per content: a changed file is another module.

    Raises:
        InvalidSpec: The file, module or object does not exist, or fails while it is imported.
    """
    source, _, name = path.rpartition(":")
    try:
        module = _module_of_file(path, Path(source)) if source.endswith(".py") else importlib.import_module(source)
    except InvalidSpec:
        raise
    except Exception as e:  # whatever a file of the user's own may raise
        raise InvalidSpec(f"'{path}' cannot be imported: {type(e).__name__}: {e}.") from e
    if not hasattr(module, name):
        raise InvalidSpec(f"'{path}': {source} has no '{name}'.")
    return getattr(module, name)


def _module_of_file(path: str, given: Path) -> ModuleType:
    folder = _code_folder.get()
    file = folder / given.name if folder and (folder / given.name).is_file() else given.resolve()
    if not file.is_file():
        raise InvalidSpec(f"'{path}': there is no file {file}.")
    key = f"pixelwise_user_{file.stem}_{blake2b(file.read_bytes(), digest_size=8).hexdigest()}"
    if key not in sys.modules:
        found = importlib.util.spec_from_file_location(key, file)
        assert found is not None
        assert found.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(found)
        try:
            found.loader.exec_module(sys.modules[key])
        except BaseException:
            del sys.modules[key]  # half a module
            raise
    return sys.modules[key]


def choice(noun: str, base: type[SpecT], members: Mapping[str, type[SpecT]]) -> WrapValidator:
    """The validator of a field that holds one of several specs, told apart by their `kind`.

    It takes a spec, a mapping with its `kind`, or the kind alone; a kind with a colon is an import path to a spec class
    of the user's own (`my_file.py:MyNet`), whose `kind` field then is that path. Such a field reads

        model: Annotated[SerializeAsAny[ModelSpec], choice("model", ModelSpec, MODELS)]

    Args:
        noun: What to call a member in an error.
        base: What every member is.
        members: kind -> spec class.
    """

    def choose(value: Any, _: ValidatorFunctionWrapHandler) -> SpecT:
        if isinstance(value, base):
            return value
        given = {"kind": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
            raise ValueError(f"expected a {noun} or its kind.{did_you_mean(str(value), members)}")
        kind: str = given["kind"]
        member = _own(noun, base, kind) if ":" in kind else members.get(kind)
        if member is None:
            raise ValueError(f"no {noun} is called '{kind}'.{did_you_mean(kind, members)}")
        return member.model_validate(given)

    return WrapValidator(choose)


def _own(noun: str, base: type[SpecT], path: str) -> type[SpecT]:
    found = load_object(path)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"'{path}' is no {noun}: derive it from pixelwise's {base.__name__}")
    return found
