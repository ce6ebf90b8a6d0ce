"""Specs: frozen configurations with JSON conversion, values from text, and errors that list the valid choices."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
from pixelwise.core.user_code import load_object


class Spec(BaseModel):
    """Base class of every spec: a frozen pydantic model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a spec from the JSON text that `to_json` writes.

        Raises:
            InvalidSpec: The text is not JSON, or has an unknown field or an invalid value.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as e:
            raise InvalidSpec(explain(e, cls)) from None

    def to_json(self) -> str:
        """Returns the spec as indented JSON. `from_json` returns an equal spec."""
        return self.model_dump_json(indent=2)

    def replace(self, **fields: Any) -> Self:
        """Returns a copy with some fields replaced. The copy is validated like a new spec.

        Raises:
            InvalidSpec: A field is unknown or a value is invalid.
        """
        current = {name: getattr(self, name) for name in type(self).model_fields}
        try:
            return type(self).model_validate(current | fields)
        except ValidationError as e:
            raise InvalidSpec(explain(e, type(self))) from None

    def with_values(self, values: Mapping[str, str]) -> Self:
        """Returns a copy with some fields set from text, as `--set path=value` does.

        Args:
            values: Dotted path -> text. The text is tried as a string first, then as JSON; `none` is null. Setting the
                `kind` of a component replaces the component by one with default values.

        Raises:
            InvalidSpec: A path is unknown (the message lists the valid ones) or a value is invalid.
        """
        tree: Tree = {}
        for path, text in values.items():
            node = tree
            for step in path.split("."):
                node = node.setdefault(step, {})
            node[None] = text
        return self._with(tree, "", self)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """Iterates over the dotted paths that `with_values` accepts."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Spec):
                yield from value.paths(f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    def _with(self, tree: "Tree", prefix: str, root: "Spec") -> Self:
        """Sets fields from text. All fields of a spec are replaced together, so that a validator of two sees both."""
        changes = {}
        for name, node in tree.items():
            path, field = f"{prefix}{name}", type(self).model_fields.get(str(name))
            inner = {key: sub for key, sub in node.items() if key is not None}
            if field is None:
                unknown = _deepest_path(path, inner)
                raise InvalidSpec(f"there is no field '{unknown}'.{did_you_mean(unknown, root.paths())}")
            text, text_path = node.get(None), path
            is_component = any(isinstance(m, WrapValidator) for m in field.metadata)  # see `choice`
            if is_component and None in inner.get("kind", {}):
                text, text_path = inner.pop("kind")[None], f"{path}.kind"
            value = getattr(self, str(name)) if text is None else _parse(field, text, text_path)
            if inner and not isinstance(value, Spec):
                unknown = _deepest_path(path, inner)
                state = "is not set" if value is None else f"is {value!r} and has no fields"
                hint = did_you_mean(unknown, root.paths())
                raise InvalidSpec(f"there is no field '{unknown}': '{path}' {state}.{hint}")
            changes[str(name)] = value._with(inner, f"{path}.", root) if inner else value
        try:
            return self.replace(**changes)
        except InvalidSpec as e:
            raise InvalidSpec(f"{', '.join(prefix + name for name in changes)}: {e}") from None


SpecT = TypeVar("SpecT", bound=Spec)
Tree = dict[str | None, Any]
"""Texts by path: name of a field -> tree. The key None has the text of the field itself."""


def _deepest_path(path: str, inner: Tree) -> str:
    """Returns the first complete path below a path."""
    while step := next((key for key in inner if key is not None), None):
        path, inner = f"{path}.{step}", inner[step]
    return path


def _parse(field: FieldInfo, text: str, path: str) -> Any:
    """Returns the value of a field from text: as a string if the field accepts one, else as JSON."""
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)
    reason = ""
    for value in _interpretations(text):
        try:
            return adapter.validate_python(value)
        except (ValidationError, InvalidSpec) as e:
            # The reason of the last interpretation: for JSON, it names the part that is wrong.
            reason = str(e) if isinstance(e, InvalidSpec) else explain(e, kind)
    raise InvalidSpec(f"{path}={text} does not fit: {reason}")


def _interpretations(text: str) -> Iterator[Any]:
    """Iterates over the possible values of a text, in the order of preference."""
    if text.lower() == "none":
        yield None
    yield text
    with suppress(json.JSONDecodeError):
        yield json.loads(text)


def explain(error: ValidationError, spec: Any) -> str:
    """Returns one sentence about the first error that pydantic found in a value of type `spec`."""
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


def choice(noun: str, base: type[SpecT], members: Mapping[str, type[SpecT]]) -> WrapValidator:
    """Returns the validator of a field that contains one of several specs, selected by their `kind`.

    The field accepts a spec, a mapping with a `kind`, or a kind. A kind with a colon is the import path of a user's
    spec class (`my_file.py:MyNet`); the `kind` field of that spec is the path. Example of a field:

        model: Annotated[SerializeAsAny[ModelSpec], choice("model", ModelSpec, MODELS)]

    Args:
        noun: Name of a member in error messages, such as "model".
        base: Base class of all members.
        members: Kind -> spec class.
    """

    def choose(value: Any, _: ValidatorFunctionWrapHandler) -> SpecT:
        if isinstance(value, base):
            return value
        given = {"kind": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
            raise ValueError(f"expected a {noun} or its kind.{did_you_mean(str(value), members)}")
        kind: str = given["kind"]
        member = _user_class(noun, base, kind) if ":" in kind else members.get(kind)
        if member is None:
            raise ValueError(f"no {noun} is called '{kind}'.{did_you_mean(kind, members)}")
        return member.model_validate(given)

    return WrapValidator(choose)


def _user_class(noun: str, base: type[SpecT], path: str) -> type[SpecT]:
    member = load_object(path)
    if not (isinstance(member, type) and issubclass(member, base)):
        raise ValueError(f"'{path}' is not a {noun}: derive it from pixelwise's {base.__name__}")
    return member
