"""The pages of the documentation, their code blocks, and what their commands need, at reduced size."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from tests.networks import Small

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.M | re.S)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each fenced block."""
    return [(m[2], m[3]) for m in FENCE.finditer(page.read_text(encoding="utf-8"))]


def file_name(text: str) -> str | None:
    """The name of a Python block that is a file: its first line is the name as a comment."""
    named = re.match(r"# (\w+\.py)\n", text)
    return named[1] if named else None


def write_files(page: Path) -> dict[str, str]:
    """Writes the files that a page shows to the current folder. Returns their texts by name."""
    files = {name: text for _, text in blocks(page) if (name := file_name(text))}
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    return files


def rows(page: Path, header: str) -> dict[str, str]:
    """First cell -> second cell of the table with this header, code marks removed."""
    _, _, rest = page.read_text(encoding="utf-8").partition(header + "\n")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first: second.strip("`") for first, second, *_ in cells}


def plant_polygons(root: Path) -> None:
    """The data set of the page on extending: noise with two polygons in each image of 64×48 pixels."""
    polygons = {"cell": [[5, 5], [40, 5], [20.5, 30]], "debris": [[45, 30], [60, 30], [60, 45]]}
    shapes = [{"label": name, "points": points, "shape_type": "polygon"} for name, points in polygons.items()]
    for split in ("train", "val"):
        folder = root / "polygons" / split
        folder.mkdir(parents=True)
        for seed, name in enumerate(("one", "six", "ten", "two")):
            pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
            (folder / f"{name}.json").write_text(json.dumps({"shapes": shapes, "imagePath": f"{name}.png"}))


def reduced(get: Callable[[str], Experiment]) -> Callable[[str], Experiment]:
    """Recipes at a reduced size: a small network, small images, one epoch."""

    def small(name: str) -> Experiment:
        experiment = get(name)
        optimizer = experiment.fit.optimizer.replace(encoder_lr=None)  # the small network has no encoder
        fit = experiment.fit.replace(
            epochs=1, val_every=1, minutes=None, batch_size=2, optimizer=optimizer, workers=0, device="cpu",
            precision="fp32",
        )  # fmt: skip
        data = Shapes(size=(32, 32), images=4) if isinstance(experiment.data, Shapes) else experiment.data
        image_size = (32, 32) if experiment.image_size else None
        return experiment.replace(data=data, model=Small(), fit=fit, image_size=image_size, watch=())

    return small


def cut(words: list[str]) -> list[str]:
    """A command without what would undo its reduced size, and without fields that the small network lacks."""
    words = ["fit.minutes=0.02" if word.startswith("fit.minutes=") else word for word in words]
    if any(word.startswith("model=") for word in words):  # a network of the command's own choice
        return words
    return ["fit.workers=0" if word.startswith("model.") else word for word in words]
