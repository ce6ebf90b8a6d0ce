"""Every command and every piece of Python in the docs runs, in the order of its page, at reduced size."""

import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from pixelwise import recipes
from pixelwise.cli import main
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from tests.data.trees import TREES
from tests.networks import Small
from tools import results

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
SERVERS: list["subprocess.Popen[bytes]"] = []
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.M | re.S)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each fenced block."""
    return [(m[2], m[3]) for m in FENCE.finditer(page.read_text(encoding="utf-8"))]


def reduced(get: Callable[[str], Experiment]) -> Callable[[str], Experiment]:
    """A recipe as it is, but for its size: a small network on small pictures, one epoch."""

    def small(name: str) -> Experiment:
        experiment = get(name)
        optimizer = experiment.fit.optimizer.replace(encoder_lr=None)  # the small network has no encoder
        fit = experiment.fit.replace(
            epochs=1, val_every=1, minutes=None, batch_size=2, optimizer=optimizer, workers=0, device="cpu",
            precision="fp32",
        )  # fmt: skip
        data = Shapes(size=(32, 32), images=4) if isinstance(experiment.data, Shapes) else experiment.data
        size = (32, 32) if experiment.image_size else None
        return experiment.replace(data=data, model=Small(), fit=fit, size=size, watch=())

    return small


def cut(words: list[str]) -> list[str]:
    """A command as it is, but for what would undo its reduced size, and fields that the small network lacks."""
    words = ["fit.minutes=0.02" if word.startswith("fit.minutes=") else word for word in words]
    if any(word.startswith("model=") for word in words):  # a network of the command's own choice
        return words
    return ["fit.workers=0" if word.startswith("model.") else word for word in words]


def serve(words: list[str]) -> None:
    """Serves in a process of its own until the test ends, as a terminal in the background would."""
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
    raise AssertionError("the server did not begin to answer")


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
        raise AssertionError(f"nothing here runs '{line}'")


@pytest.fixture
def _no_server_left() -> Iterator[None]:
    yield
    while SERVERS:
        server = SERVERS.pop()
        server.send_signal(signal.SIGINT)
        assert server.wait(60) in (0, 130)


@pytest.mark.usefixtures("_no_server_left")
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_pages_commands_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "get", reduced(recipes.get))
    for plant in filter(None, TREES.values()):
        plant(Path("data"))
    TREES["folder"](Path("my_photos"))  # type: ignore[misc]  # it has a tree
    monkeypatch.setenv("PIXELWISE_DATA", "data")
    Path("photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for name in ("photos/street.jpg", "photos/house.png", "garden.jpg"):
        Image.fromarray(pixels).save(name)
    for language, text in blocks(page):
        if language == "python" and text.startswith("# my_net.py"):
            Path("my_net.py").write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, str(page), "exec"), {"__name__": "__main__"})
        elif language == "json":  # of the page on one's own data
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


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_site_is_built_without_a_warning() -> None:
    words = ["build", "--strict", "--quiet", "-f", str(ROOT / "mkdocs.yml"), "-d", str(Path("site").resolve())]
    built = subprocess.run([sys.executable, "-m", "mkdocs", *words], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for page in Path("site").rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text("utf-8"))
        assert not fetched, page
    assert "pixelwise.training.loop.train" in Path("site/python/index.html").read_text("utf-8")


def test_the_notebook_runs() -> None:
    text = (ROOT / "docs" / "first_steps.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # its library ships it untyped
    (setting,) = (cell for cell in notebook.cells if "fit.epochs" in cell.source)
    setting.source = setting.source.replace('"fit.epochs": "3"', '"fit.epochs": "1", "data.images": "8"')
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "."}}).execute()
    texts = [out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any(text.startswith("mean IoU 0.") for text in texts)
    assert Path("runs/notebook/comparison/comparison.html").is_file()
