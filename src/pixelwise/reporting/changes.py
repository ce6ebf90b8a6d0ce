"""Experiments as dotted paths with values, to say in what two of them differ."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def leaves(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted path -> value of an experiment, given as JSON has it."""

    def walk(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for name, child in node.items():
                yield from walk(child, f"{prefix}.{name}" if prefix else name)
        else:
            yield prefix, node

    return dict(walk(experiment, ""))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Dotted path -> texts of two experiments' values, for every leaf of the second that the first has not.

    A field that the first does not have at all, such as one of another network, has the text "–".
    """
    found = {}
    for path, value in leaves(after).items():
        known = _at(before, path)
        if known is Ellipsis or known != value:
            found[path] = ("–" if known is Ellipsis else text(known), text(value))
    return found


def text(value: Any) -> str:
    """A value as `--set` takes it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _at(node: Any, path: str) -> Any:
    """What lies at a path, None below a component that is not set, ... where there is no such field."""
    for step in path.split("."):
        if node is None:
            return None
        if not isinstance(node, Mapping) or step not in node:
            return ...
        node = node[step]
    return node
