"""The components of docs/extending.md work, and each mistake of its table has the message that the page shows."""

import shutil
import sys
from pathlib import Path

import pytest

from pixelwise import recipes
from pixelwise.cli import main
from pixelwise.run import Run
from tests.docs.pages import DOCS, plant_polygons, reduced, rows, write_files

PAGE = DOCS / "extending.md"
MESSAGES = rows(PAGE, "| mistake | message |")
COMPONENTS = {
    "my_net.py": "model=my_net.py:MyNet",
    "my_loss.py": "loss=my_loss.py:MyLoss",
    "my_data.py": "data=my_data.py:MyData",
}
RETURNED = "return LossValue(losses.sum(), valid.sum())"
LABELS = "the loss does not convert the labels with `labels.long()`, or does not leave out ignored pixels"
MISTAKES = [
    ("the loss returns a scalar", "my_loss.py", RETURNED, "return losses.sum() / valid.sum()"),
    (LABELS, "my_loss.py", "labels.long()", "labels"),
    (LABELS, "my_loss.py", ", ignore_index=IGNORE", ""),
    (
        "the logits have half the size of the image",
        "my_net.py",
        "self.classifier(self.decoder(self.encoder(images)))",
        "self.classifier(self.decoder(self.encoder(images)))[..., ::2, ::2]",
    ),
    ("the logits have one channel too few", "my_net.py", "(width, num_classes, 1)", "(width, num_classes - 1, 1)"),
    ("the images are floats", "my_data.py", "Sample(image, ", "Sample(image / 255, "),
    ("a label is not a class id", "my_data.py", "fill=SPACE.class_id", "fill=1 + SPACE.class_id"),
]
"""Row of the table, file, the right code, the wrong code."""


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's files and data in the current folder."""
    monkeypatch.setattr(recipes, "get", reduced(recipes.get))
    write_files(PAGE)
    plant_polygons(Path("data"))
    monkeypatch.setenv("PIXELWISE_DATA", "data")


def train(*changes: str) -> None:
    main(["train", "shapes/fcn", "--out", "runs/own", "--set", *changes])


def test_every_mistake_of_the_page_is_tried() -> None:
    assert {*MESSAGES} == {mistake for mistake, *_ in MISTAKES}


@pytest.mark.parametrize(("mistake", "file", "right", "wrong"), MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_no_run(
    mistake: str, file: str, right: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert text.count(right) == 1
    Path(file).write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        train(COMPONENTS[file])
    assert end.value.code == 2
    said, message = capsys.readouterr().err, MESSAGES[mistake]
    assert said.count("\n") == 1
    assert said.endswith(".\n")
    assert said.startswith(f"pixelwise: {message.removesuffix('…')}")
    assert message.endswith("…") or said == f"pixelwise: {message}\n"
    assert not Path("runs").exists()

    Path(file).write_text(text, encoding="utf-8")
    train(COMPONENTS[file])
    assert Run.open("runs/own").results()["val"].images


@pytest.mark.slow
def test_a_run_is_complete_without_the_original_files() -> None:
    """It is moved and its components are deleted; predicting, evaluating and resuming load the copies."""
    train(*COMPONENTS.values())
    shutil.move("runs/own", "elsewhere")
    for file in COMPONENTS:
        Path(file).unlink()
    for name in [name for name in sys.modules if name.startswith("pixelwise_user_")]:
        del sys.modules[name]
    assert {file.name for file in Path("elsewhere/code").glob("*.py")} == {*COMPONENTS}
    main(["predict", "elsewhere", "data/polygons/val", "--out", "predictions"])
    assert len(list(Path("predictions/labels").glob("*.png"))) == 4
    main(["evaluate", "elsewhere", "--split", "train"])
    main(["train", "--resume", "elsewhere"])
    loaded = [module for name, module in sys.modules.items() if name.startswith("pixelwise_user_my_net")]
    assert [Path(str(module.__file__)).parent.name for module in loaded] == ["code"]
