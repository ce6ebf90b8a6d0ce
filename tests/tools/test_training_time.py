"""The table of results by training time: read from records, beside the reports' best on the same split."""

import json
from pathlib import Path

import pytest

from pixelwise import recipes
from pixelwise.experiment import Experiment
from pixelwise.run import Run
from pixelwise.run.migrations import VERSION
from pixelwise.training import loop
from pixelwise.training.loop import train
from tools import records, training_time


@pytest.fixture
def run(tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run on tiny images; its records get the experiment of a recipe."""
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)
    return train(tiny, out=tmp_path / "run")


def recorded(run: Run, root: Path, name: str, recipe: str, scores: dict[str, float], took: float) -> None:
    """A record of a recipe with given scores and minutes."""
    record = records.add(run, root, name)
    asked = {"version": VERSION, "experiment": json.loads(recipes.get(recipe).to_json())}
    (record / "experiment.json").write_text(json.dumps(asked), encoding="utf-8")
    first = json.loads((record / "history.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (record / "history.jsonl").write_text(json.dumps(first | {"seconds": 60 * took}) + "\n", encoding="utf-8")
    result = run.results()["val"].model_dump(mode="json") | {"mean_iou_ci95": [0.1, 0.9]}
    splits = {split: result | {"split": split, "mean_iou": score} for split, score in scores.items()}
    (record / "result.json").write_text(json.dumps({"version": VERSION, "splits": splits}), encoding="utf-8")


def test_a_row_has_weights_minutes_and_the_reports_best_on_the_same_split(run: Run, tmp_path: Path) -> None:
    assert training_time.table(tmp_path) == ""
    recorded(run, tmp_path, "camvid-scratch-seed0", "camvid/scratch", {"val": 0.6, "test": 0.5}, 89.9)
    recorded(run, tmp_path, "idd_lite-pretrained-seed0", "idd_lite/pretrained", {"val": 0.7}, 30)
    (best,) = training_time.REPORTS["idd_lite"]
    recorded(run, tmp_path, best, "ai-idd/weighted-loss", {"val": 0.55}, 30)
    camvid, idd = training_time.table(tmp_path, "records/").splitlines()[2:]
    assert camvid.startswith("| `camvid/scratch` | random | 90 | test, ")
    assert camvid.endswith("| 0.5000 | 0.1000–0.9000 | – | [seed 0](records/runs/camvid-scratch-seed0/README.md) |")
    assert idd.startswith("| `idd_lite/pretrained` | ImageNet | 30 | val, ")
    assert f"| 0.7000 | 0.1000–0.9000 | [0.5500](records/runs/{best}/README.md) | " in idd


def test_the_table_is_placed_between_its_marks_and_nowhere_else(run: Run, tmp_path: Path) -> None:
    recorded(run, tmp_path, "camvid-scratch-seed0", "camvid/scratch", {"val": 0.6, "test": 0.5}, 90)
    readme = f"before\n{training_time.BEGIN}\nold\n{training_time.END}\nafter\n"
    placed = training_time.placed(readme, tmp_path)
    assert placed.splitlines()[0] == "before"
    assert placed.splitlines()[-1] == "after"
    assert "old" not in placed
    assert training_time.table(tmp_path, "records/") in placed
    assert training_time.placed(placed, tmp_path) == placed
    assert training_time.placed("no marks\n", tmp_path) == "no marks\n"
