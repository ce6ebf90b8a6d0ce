"""Differences between two experiments, as dotted paths with values."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def leaves(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted path -> value of an experiment that is given as JSON."""

    def walk(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for name, child in node.items():
                yield from walk(child, f"{prefix}.{name}" if prefix else name)
        else:
            yield prefix, node

    return dict(walk(experiment, ""))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Dotted path -> the values of two experiments as text, for each value of the second that differs from the first.

    The first text is "–" for a field that the first experiment does not have, such as a field of another network.
    """
    found = {}
    for path, value in leaves(after).items():
        old = _value_at(before, path)
        if old is Ellipsis or old != value:
            found[path] = ("–" if old is Ellipsis else text(old), text(value))
    return found


def text(value: Any) -> str:
    """A value in the syntax of `--set`."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _value_at(node: Any, path: str) -> Any:
    """Value at a path; None below a component that is not set, Ellipsis if there is no such field."""
    for step in path.split("."):
        if node is None:
            return None
        if not isinstance(node, Mapping) or step not in node:
            return ...
        node = node[step]
    return node
