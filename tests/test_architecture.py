"""The plan of the house: which room may import what, and who may spell or do what."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pixelwise"
FILES = sorted(SOURCE.rglob("*.py"))


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(SOURCE).as_posix()}:{getattr(node, 'lineno', 0)}"


def imported(node: ast.AST) -> list[str]:
    """Dotted names that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def test_imports_point_down_and_each_library_stays_in_its_room() -> None:
    """In a process of its own: other tests' libraries leave handlers behind that write to streams long closed."""
    program = f"""if True:
        from importlinter.cli import lint_imports
        raise SystemExit(lint_imports(config_filename={str(ROOT / "pyproject.toml")!r}, no_cache=True, no_logo=True))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_distributed_and_checkpoint_know_torch_distributed() -> None:
    allowed = {SOURCE / "engine" / "distributed.py", SOURCE / "engine" / "checkpoint.py"}
    found = [
        place(file, node)
        for file in FILES
        if file not in allowed
        for node in nodes(file)
        if any(f"{name}.".startswith("torch.distributed.") for name in imported(node))
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.distributed")
    ]
    assert not found


def test_only_runs_spells_the_names_of_a_run_folders_files() -> None:
    def texts(file: Path) -> Iterator[tuple[ast.Constant, str]]:
        for node in nodes(file):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, node.value.rpartition("/")[2]

    is_name = re.compile(r"\w+\.(json|jsonl|safetensors|png|txt)").fullmatch
    names = {text for _, text in texts(SOURCE / "runs.py") if is_name(text)}
    assert {"experiment.json", "history.jsonl", "best.safetensors", "log.txt"} <= names
    others = [file for file in FILES if file != SOURCE / "runs.py"]
    assert not [f"{place(file, node)} {text}" for file in others for node, text in texts(file) if text in names]


def test_no_source_file_has_more_than_500_lines() -> None:
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not {name: length for name, length in lengths.items() if length > 500}


def test_only_the_command_line_prints() -> None:
    found = [
        place(file, node)
        for file in FILES
        if file.name != "cli.py"
        for node in nodes(file)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not found


def test_no_network_branches_in_its_forward() -> None:
    """A branch that the example input does not take disappears in an export without a word."""
    found = [
        place(file, inner)
        for file in (SOURCE / "models").glob("*.py")
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("forward")
        for inner in ast.walk(node)
        if isinstance(inner, ast.If | ast.IfExp) and re.search(r"shape|size|height|width", ast.unparse(inner.test))
    ]
    assert not found


@pytest.mark.parametrize(
    "does", ["import pixelwise", "import pixelwise.cli", "import pixelwise.cli; pixelwise.cli.main(['--help'])"]
)
def test_nothing_heavy_is_imported_before_a_verb_runs(does: str) -> None:
    code = f"""
import sys
try:
    {does}
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "pixelwise" in loaded
    assert not loaded & {"torch", "torchvision", "matplotlib", "numpy", "timm", "PIL", "pydantic"}
