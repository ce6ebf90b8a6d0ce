"""The whole way on real data, by one command line for six data sets: train, evaluate, predict, stats.

With a small network, small pictures and one epoch: the subject is the data, not the score.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from pixelwise.cli import main
from pixelwise.core.label_space import IGNORE
from pixelwise.data.files import PairedFiles
from pixelwise.run import Run
from tests.e2e.real import FOLDERS, mended
from tests.networks import Small

pytestmark = pytest.mark.real_data


class Case(NamedTuple):
    """A data set on the command line."""

    recipe: str
    flags: tuple[str, ...] = ()
    split: str = "val"


CASES = (
    Case("camvid/fcn"),
    Case("voc2007/fcn", split="test"),
    Case("voc2012/fcn"),
    Case("idd_lite/fcn"),
    Case("cityscapes/fcn", ("data.classes=all", "data.val_split=train"), split="train"),
    Case("folder/fcn"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The real data, by links."""
    return mended(tmp_path)


@pytest.fixture
def own_folder(real_data: Path, tmp_path: Path) -> Path:
    """Photographs in gray with labels of 0 and 255, as a microscope's user has them: where is a person?"""
    home, count = tmp_path / "people", 0
    for part in ("images", "labels"):
        (home / part).mkdir(parents=True)
    voc = real_data / "VOCdevkit" / "VOC2012"
    for file in sorted((voc / "SegmentationClass").iterdir())[:120]:
        persons = np.array(Image.open(file)) == 15
        if persons.any() and count < 24:
            Image.open(voc / "JPEGImages" / f"{file.stem}.jpg").convert("L").save(home / "images" / f"{file.stem}.jpg")
            Image.fromarray((255 * persons).astype(np.uint8)).save(home / "labels" / f"{file.stem}.png")
            count += 1
    return home


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.recipe.partition("/")[0])
def test_train_evaluate_predict_and_stats(case: Case, root: Path, own_folder: Path, capsys: Any) -> None:
    kind = case.recipe.partition("/")[0]
    place = ["--data-root", str(own_folder if kind == "folder" else root)]
    quick = (f"model={Small().kind}", "fit.epochs=1", "image_size=[96,96]", "fit.device=cpu")
    if kind != "folder" and not any(root.glob(FOLDERS[kind])):
        pytest.skip(f"PIXELWISE_DATA has no {FOLDERS[kind]}")
    main(["train", case.recipe, *place, "--out", "run", "--set", *quick, *case.flags])
    data = Run.open("run").experiment.data

    capsys.readouterr()
    main(["evaluate", "run", "--split", case.split, *place, "--json"])
    result = json.loads(capsys.readouterr().out)
    split = data.build(case.split, Path(place[1]))
    assert isinstance(split, PairedFiles)
    assert result["images"] == len(split)
    labels = [split[i].labels for i in range(len(split))]
    assert sum(map(sum, result["confusion_matrix"])) == sum(int((each != IGNORE).sum()) for each in labels)

    main(["predict", "run", *(str(pair.image) for pair in split.pairs[:3]), "--out", "out"])
    for pair in split.pairs[:3]:
        written = np.array(Image.open(Path("out/labels") / f"{pair.image.stem}.png"))
        assert written.shape == split[split.ids.index(pair.id)].labels.shape
        assert set(np.unique(written)) <= set(split.label_space.raw_ids)

    capsys.readouterr()
    fields = [word for flag in case.flags if "classes" in flag for word in ("--set", flag.removeprefix("data."))]
    main(["data", "stats", kind, *place, "--split", case.split, "--json", "--out", "stats", *fields])
    counted = json.loads(capsys.readouterr().out)["splits"][case.split]
    assert counted["statistics"]["images"] == len(split)
    per_class = [sum(int((each == i).sum()) for each in labels) for i in range(split.label_space.num_classes)]
    assert counted["statistics"]["pixel_counts"] == per_class
    assert {file.name for file in Path("stats").iterdir()} == {"samples.png", "classes.png", "statistics.json"}
