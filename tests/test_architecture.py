"""Layers, restricted imports and conventions of the source tree."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

import pixelwise as pw
from pixelwise.cli import COMMANDS
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.models import Fcn

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pixelwise"
FILES = sorted(SOURCE.rglob("*.py"))

LONG_MODULES: dict[str, str] = {}
"""Modules of more than 300 lines, with the reason."""

GETATTR = {
    ("models/timm_encoder.py", "fixed_input_size"): "only some configurations of timm have it",
    ("models/timm_encoder.py", "output_fmt"): "only some networks of timm have it",
    ("data/images.py", "tag_v2"): "only TIFF images of Pillow have it",
    ("data/download.py", "errno"): "exceptions of several libraries",
    ("data/download.py", "reason"): "exceptions of several libraries",
    ("data/download.py", "strerror"): "exceptions of several libraries",
}
"""File and attribute of each `getattr` with a literal name, with the reason. Our own objects declare what they have."""

HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "matplotlib",
    "numpy",
    "PIL",
    "pydantic",
    "jinja2",
    "fastapi",
    "onnx",
    "openvino",
}
"""Libraries whose import takes long."""


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(tree(file))


def name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def place(file: Path, node: ast.AST) -> str:
    return f"{name(file)}:{getattr(node, 'lineno', 0)}"


def imported(node: ast.AST) -> list[str]:
    """Dotted names that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def calls(file: Path, function: str) -> Iterator[ast.Call]:
    """Calls of a built-in function."""
    for node in nodes(file):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
            yield node


def loaded_by(code: str) -> set[str]:
    """Modules that a line of code has loaded, in a process of its own."""
    program = f"""
import sys
try:
    {code}
except SystemExit as e:
    assert not e.code
print("\\nmodules:", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("\nmodules: ")[2].split())


# Imports


def test_imports_point_down_and_restricted_libraries_stay_in_their_packages() -> None:
    """In a process of its own: other tests' libraries leave handlers behind that write to closed streams."""
    program = f"""if True:
        from importlinter.cli import lint_imports
        raise SystemExit(lint_imports(config_filename={str(ROOT / "pyproject.toml")!r}, no_cache=True, no_logo=True))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_distributed_and_checkpoint_use_torch_distributed() -> None:
    allowed = {SOURCE / "training" / "distributed.py", SOURCE / "training" / "checkpoint.py"}
    found = [
        place(file, node)
        for file in FILES
        if file not in allowed
        for node in nodes(file)
        if any(f"{path}.".startswith("torch.distributed.") for path in imported(node))
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.distributed")
    ]
    assert not found


@pytest.mark.parametrize(
    "does", ["import pixelwise", "import pixelwise.cli", "import pixelwise.cli; pixelwise.cli.main(['--help'])"]
)
def test_no_large_library_is_imported_before_a_command_runs(does: str) -> None:
    loaded = loaded_by(does)
    assert "pixelwise" in loaded
    assert not loaded & HEAVY


@pytest.fixture(scope="module")
def fcn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of an FCN and a folder of photos."""
    folder = tmp_path_factory.mktemp("imports")
    fit = Fit(epochs=1, batch_size=4, device="cpu", precision="fp32", workers=0)
    data = Shapes(size=(32, 32), images=4)
    pw.train(Experiment(name="tests/imports", data=data, model=Fcn(), fit=fit), out=folder / "run")
    (folder / "photos").mkdir()
    Image.new("RGB", (50, 40)).save(folder / "photos" / "one.png")
    return folder


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("list recipes", {"torchvision", "timm", "matplotlib", "jinja2", "fastapi", "onnx", "openvino"}),
        ("predict run photos --out predictions", {"torchvision", "timm", "matplotlib", "jinja2", "fastapi", "onnx"}),
        ("evaluate run", {"timm", "jinja2", "fastapi", "onnx", "openvino"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_imports_only_the_libraries_that_it_uses(
    command: str, unused: set[str], fcn_run: Path, tmp_path: Path
) -> None:
    words = [str(fcn_run / word) if word in ("run", "photos") else word for word in command.split()]
    words = [str(tmp_path / word) if word == "predictions" else word for word in words]
    loaded = loaded_by(f"import pixelwise.cli; pixelwise.cli.main({words!r})")
    assert "torch" in loaded
    assert not loaded & unused


# Public names


def test_every_public_name_stays_what_it_is_after_every_module_is_imported() -> None:
    """A package with the name of a public function would replace it on import."""
    program = f"""if True:
        import importlib, pkgutil
        import pixelwise as pw
        before = {{name: getattr(pw, name) for name in pw.__all__}}
        for module in pkgutil.walk_packages(pw.__path__, "pixelwise."):
            importlib.import_module(module.name)
        for name, value in before.items():
            assert getattr(pw, name) is value, name
            assert callable(value), name
        for command in {sorted({*COMMANDS} - {"list", "data"})}:
            assert type(getattr(pw, command)).__name__ == "function", command
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_but_list_and_data_is_a_public_function() -> None:
    assert {*COMMANDS} - {*pw.__all__} == {"list", "data"}


def test_type_checkers_see_the_public_names_that_python_sees() -> None:
    (block,) = (node for node in tree(SOURCE / "__init__.py").body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    typed = {
        str(alias.asname): (str(node.module), alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(typed) == set(pw.__all__)
    for public, (module, original) in typed.items():
        assert getattr(import_module(module), original) is getattr(pw, public), public


# Conventions


def test_only_the_run_folder_spells_its_file_names() -> None:
    def texts(file: Path) -> Iterator[tuple[ast.Constant, str]]:
        for node in nodes(file):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, node.value.rpartition("/")[2]

    is_name = re.compile(r"\w+\.(json|jsonl|safetensors|png|txt)").fullmatch
    names = {text for _, text in texts(SOURCE / "run" / "files.py") if is_name(text)}
    assert {"experiment.json", "history.jsonl", "best.safetensors", "log.txt"} <= names
    others = [file for file in FILES if name(file) not in ("run/files.py", "run/migrations.py")]
    assert not [f"{place(file, node)} {text}" for file in others for node, text in texts(file) if text in names]


def test_only_the_command_line_prints() -> None:
    files = [file for file in FILES if not name(file).startswith("cli/")]
    assert not [place(file, call) for file in files for call in calls(file, "print")]


def test_attributes_of_our_own_objects_are_declared_and_not_probed() -> None:
    found = {
        (name(file), str(argument.value))
        for file in FILES
        for call in calls(file, "getattr")
        if isinstance(argument := call.args[1], ast.Constant)
    }
    assert found == set(GETATTR)


def test_modules_are_short() -> None:
    lengths = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not {path: length for path, length in lengths.items() if length > 500}
    assert {path for path, length in lengths.items() if length > 300} == set(LONG_MODULES)


def test_tests_mirror_the_source() -> None:
    packages = {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").is_file()}
    beside = {"contracts", "docs", "e2e", "parity", "tools"}
    folders = {folder.name for folder in (ROOT / "tests").iterdir() if (folder / "__init__.py").is_file()}
    assert folders <= packages | beside


def test_no_network_branches_in_its_forward() -> None:
    """An export drops a branch that the example input does not take, without a message."""
    found = [
        place(file, inner)
        for file in (SOURCE / "models").glob("*.py")
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("forward")
        for inner in ast.walk(node)
        if isinstance(inner, ast.If | ast.IfExp) and re.search(r"shape|size|height|width", ast.unparse(inner.test))
    ]
    assert not found
