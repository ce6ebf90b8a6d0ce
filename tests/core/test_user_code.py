"""Imports of a user's own components, and errors in them."""

from pathlib import Path

import pytest

from pixelwise.cli import main
from pixelwise.core.errors import InvalidSpec
from pixelwise.core.user_code import code_folder, load_object

GOOD = "from pixelwise.models import ModelSpec\nclass Net(ModelSpec):\n    kind: str\n    depth: int = 3\n"

DATA = """\
from typing import ClassVar
import torch
from pixelwise.core.label_space import LabelSpace
from pixelwise.data import DataSpec, Sample
class Split:
    ids = [str(number) for number in range(8)]
    label_space = LabelSpace(names=("left", "right"), colors=((0, 0, 0), (255, 0, 0)), raw_ids=(0, 1))
    def __len__(self):
        return 8
    def __getitem__(self, index):
        labels = (torch.arange(16).expand(16, 16) > 7).to(torch.uint8)
        return Sample(labels.expand(3, 16, 16) * 255, labels, self.ids[index])
class Data(DataSpec):
    kind: str
    splits = ("train", "val")
    label_space: ClassVar = Split.label_space
    def build(self, split, root):
        return Split()
"""


def test_a_file_is_imported_once_for_each_content() -> None:
    Path("net.py").write_text(GOOD)
    first = load_object("net.py:Net")
    assert load_object("net.py:Net") is first
    assert load_object(f"{Path('net.py').resolve()}:Net") is first
    Path("net.py").write_text(GOOD.replace("depth: int = 3", "depth: int = 4"))
    changed = load_object("net.py:Net")
    assert [net(kind="net.py:Net").depth for net in (first, changed)] == [3, 4]
    Path("net.py").write_text(GOOD)
    assert load_object("net.py:Net") is first


def test_a_code_folder_is_looked_into_first_and_only_inside_its_context(tmp_path: Path) -> None:
    Path("net.py").write_text("NAME = 'outside'\n")
    Path("other.py").write_text("NAME = 'other'\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "net.py").write_text("NAME = 'copy of the run'\n")
    with code_folder(tmp_path / "code"):
        assert load_object("net.py:NAME") == "copy of the run"
        assert load_object("some/old/folder/net.py:NAME") == "copy of the run", "the original may be gone"
        assert load_object("other.py:NAME") == "other", "a file that was not copied is taken from its path"
        with code_folder(tmp_path / "absent"):
            assert load_object("net.py:NAME") == "outside"
        assert load_object("net.py:NAME") == "copy of the run"
    assert load_object("net.py:NAME") == "outside"
    with pytest.raises(InvalidSpec, match=r"there is no file .*some/old/folder/net\.py"):
        load_object("some/old/folder/net.py:NAME")


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("self.ids[index])", "{}[index])", "data.py, line 12, in __getitem__: KeyError: 0."),
        ("self.ids[index])", "self.ids[index % 3 + 6])", "data.py, line 12, in __getitem__: IndexError: "),
        ("return 8", "return self.files", "'Split' object has no attribute 'files'."),
        ("return Split()", "raise FileNotFoundError(root)", "data.py, line 18, in build: FileNotFoundError: "),
        ("raw_ids=(0, 1)", "raw_ids=(0, 0)", "data.py, line 7, in Split: invalid LabelSpace: a class name or raw id "),
        (", raw_ids=(0, 1)", "", "data.py, line 7, in Split: invalid LabelSpace: raw_ids: Field required."),
        ("    label_space: ClassVar = Split.label_space\n", "", "data.py:Data defines no `label_space`; return a "),
        ("def build(", "def open(", "data.py:Data defines no `build(split, root)`; return a SegmentationDataset."),
        ("return Split()", "return None", "the split 'train' is a NoneType without label_space, ids, __len__, "),
        ("    ids = ", "    names = ", "the split 'train' is a Split without ids; define them."),
    ],
)
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_error_in_a_data_set_is_one_sentence_with_its_line(
    right: str, wrong: str, sentence: str, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DATA.count(right) == 1
    Path("data.py").write_text(DATA.replace(right, wrong), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        _train(workers)
    assert end.value.code == 2
    *progress, said = capsys.readouterr().err.splitlines()
    assert progress in ([], ["reading the images of data.py:Data"])
    assert said.startswith("pixelwise: ")
    assert sentence in said
    assert not Path("run").exists()

    Path("data.py").write_text(DATA, encoding="utf-8")
    _train(workers)
    assert Path("run/result.json").exists()


def _train(workers: int) -> None:
    changes = ["data=data.py:Data", "fit.epochs=1", "fit.device=cpu", f"fit.workers={workers}"]
    main(["train", "shapes/fcn", "--out", "run", "--set", *changes])


def test_an_error_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data.py").write_text(DATA, encoding="utf-8")
    monkeypatch.setattr("pixelwise.training.loop.resolve_runtime", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _train(0)
