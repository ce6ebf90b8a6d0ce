"""Structure of the package in numbers: length of its modules, and the modules that a parameter passes through.

`python -m tools.structure [SRC]` prints the numbers of docs/architecture.md for a source tree, by default `src`. A
parameter passes through a module that the entry point imports, directly or not, and that has a function with a
parameter of that name.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

PARAMETERS = ("experiment", "data_root", "run")
ENTRIES = {
    "train": ("pixelwise.training.loop", "pixelwise.engine.train"),
    "evaluate": ("pixelwise.evaluation.evaluate", "pixelwise.engine.evaluate"),
}
"""Command -> module of its function, in this version and in 0.1.0."""


def modules(source: Path) -> dict[str, ast.Module]:
    """Dotted name -> syntax tree of every module below a folder."""
    found = {}
    for file in sorted(source.rglob("*.py")):
        name = ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(file.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reachable(entry: str, trees: dict[str, ast.Module]) -> set[str]:
    """The modules that an entry point imports, directly or not, itself included."""
    found, waiting = set(), [entry]
    while waiting:
        name = waiting.pop()
        if name in trees and name not in found:
            found.add(name)
            waiting.extend(imported(trees[name]))
    return found


def has_parameter(tree: ast.Module, name: str) -> bool:
    """Whether a module has a function with a parameter of that name."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(name in {a.arg for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)} for f in functions)


def main(source: Path) -> Iterator[str]:
    """The numbers, a line each."""
    trees = modules(source)
    files = sorted(source.rglob("*.py"))
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    longest = max(files, key=lambda file: lengths[file])
    yield f"modules: {len(files)}, median {median(lengths.values()):.0f} lines"
    yield f"longest: {longest.relative_to(source)}, {lengths[longest]} lines"
    for command, names in ENTRIES.items():
        entry = next(name for name in names if name in trees)
        for parameter in PARAMETERS:
            count = sum(has_parameter(trees[name], parameter) for name in reachable(entry, trees))
            yield f"{command}: `{parameter}` passes through {count} modules"


if __name__ == "__main__":
    for line in main(Path(sys.argv[1] if len(sys.argv) > 1 else "src")):
        sys.stdout.write(line + "\n")
