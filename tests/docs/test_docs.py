"""Every command and every Python block of the documentation runs, in the order of its page, at reduced size."""

import inspect
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import pixelwise as pw
from pixelwise import recipes
from pixelwise.cli import main
from pixelwise.workflows import serve as serving
from tests.data.trees import TREES
from tests.docs.pages import PAGES, ROOT, blocks, cut, file_name, plant_polygons, reduced
from tools import results

SOURCE = ROOT / "src" / "pixelwise"
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
SERVERS: list["subprocess.Popen[bytes]"] = []
SLOW = {"commands.md", "python.md", "getting_started.md"}
"""Pages with a minute of commands."""
FENCED = re.compile(r"^( *)```.*?^\1```$", re.M | re.S)


def serve(words: list[str]) -> None:
    """Starts a server in a process of its own; it runs until the test ends."""
    server = subprocess.Popen([sys.executable, "-m", *words])
    SERVERS.append(server)
    port = words[words.index("--port") + 1]
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
        except OSError:
            assert server.poll() is None
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")


def serve_nothing(source: Any, **given: Any) -> None:
    """Builds the application of `pw.serve` and returns, where the real function would wait for requests."""
    inspect.signature(serving.serve).bind(source, **given)
    serving.application(source, local=True)


def run_command(line: str) -> None:
    """Runs a line of a shell block in this process."""
    words = cut(shlex.split(line))
    if words[:2] == ["pixelwise", "serve"]:
        serve(words)
    elif words[0] == "curl":
        subprocess.run([*words, "--fail", "--silent", "--show-error"], check=True)
    elif words[0] == "pixelwise":
        main(words[1:])
    elif words[:3] == ["python", "-m", "tools.results"]:
        results.main(words[3:])
    else:
        raise AssertionError(f"this test cannot run '{line}'")


@pytest.fixture
def _no_server_left() -> Iterator[None]:
    yield
    while SERVERS:
        server = SERVERS.pop()
        server.send_signal(signal.SIGINT)
        assert server.wait(60) in (0, 130)


@pytest.mark.usefixtures("_no_server_left")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, marks=pytest.mark.slow if p.name in SLOW else (), id=str(p.relative_to(ROOT)))
        for p in PAGES
        if blocks(p)
    ],
)
def test_the_pages_commands_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "get", reduced(recipes.get))
    monkeypatch.setattr(serving, "serve", serve_nothing)
    for plant in filter(None, TREES.values()):
        plant(Path("data"))
    TREES["folder"](Path("my_photos"))  # type: ignore[misc]  # it has a tree
    plant_polygons(Path("data"))
    monkeypatch.setenv("PIXELWISE_DATA", "data")
    Path("photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for name in ("photos/street.jpg", "photos/house.png", "garden.jpg"):
        Image.fromarray(pixels).save(name)
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, text in blocks(page):
        if file := file_name(text):
            Path(file).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, str(page), "exec"), names)
        elif language == "json":  # on the page about the user's own images
            Path("my_photos/classes.json").write_text(text, encoding="utf-8")
        elif language == "bash":
            for line in text.strip().splitlines():
                if not line.strip().startswith(("pip ", "pytest", "pre-commit ")):  # those are the gate's, see below
                    run_command(line.strip())


def test_the_gate_runs_the_readmes_two_commands() -> None:
    install = [text.strip() for language, text in blocks(ROOT / "README.md") if language == "bash"][:2]
    assert install == ["pip install -e . && pixelwise demo", "pip install -e '.[test]' && pytest -n auto"]
    for words in ("pip install -q -e . &&", "pixelwise demo", "pip install -q -e '.[test]'", "\npytest -n auto\n"):
        assert words in CI


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
            target = page.parent / path if path else page
            if path.startswith("https://") or (anchor and anchor.startswith("pixelwise.")):
                continue  # the latter are made by mkdocstrings, and checked where the site is built
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {path}#{anchor}")
    assert not broken


def test_the_architecture_page_names_files_and_packages_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("\n## Measured\n")[0]
    paths = [path for path in re.findall(r"`([\w./<>]+(?:/|\.py|\.toml))`", text) if "<" not in path]
    assert len(paths) > 40
    assert not [path for path in paths if not any((folder / path).exists() for folder in (ROOT, SOURCE))]
    packages = {f"{folder.name}/" for folder in SOURCE.iterdir() if (folder / "__init__.py").is_file()}
    assert packages <= {*paths}


@pytest.mark.slow
def test_the_site_is_built_without_a_warning() -> None:
    words = ["build", "--strict", "--quiet", "-f", str(ROOT / "mkdocs.yml"), "-d", str(Path("site").resolve())]
    built = subprocess.run([sys.executable, "-m", "mkdocs", *words], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for page in Path("site").rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text("utf-8"))
        assert not fetched, page
    python = Path("site/python/index.html").read_text("utf-8")
    assert not [name for name in pw.__all__ if f'id="pixelwise.{name}"' not in python]
    assert Path("site/repository/records/runs/camvid-scratch-seed0/index.html").is_file()


@pytest.mark.slow
def test_the_notebook_runs() -> None:
    text = (ROOT / "docs" / "first_steps.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # its library ships it untyped
    (setting,) = (cell for cell in notebook.cells if "fit.epochs" in cell.source)
    setting.source = setting.source.replace('"fit.epochs": "3"', '"fit.epochs": "1", "data.images": "8"')
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "."}}).execute()
    texts = [out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any(text.startswith("mean IoU 0.") for text in texts)
    assert Path("runs/notebook/comparison/comparison.html").is_file()
