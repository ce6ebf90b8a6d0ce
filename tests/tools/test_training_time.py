"""The table of what minutes buy: read from records, beside the reports' best on the same split."""

import json
from pathlib import Path

import pytest

from pixelwise import recipes
from pixelwise.experiment import Experiment
from pixelwise.run import Run
from pixelwise.training import loop
from pixelwise.training.loop import train
from tools import minutes, records


@pytest.fixture
def run(tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run on tiny pictures, whose records are made to say that they are of a recipe."""
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)
    return train(tiny, out=tmp_path / "run")


def recorded(run: Run, docs: Path, name: str, recipe: str, scores: dict[str, float], took: float) -> None:
    """A record of a recipe with scores and minutes of its own."""
    record = records.add(run, docs, name)
    asked = {"version": 1, "experiment": json.loads(recipes.get(recipe).to_json())}
    (record / "experiment.json").write_text(json.dumps(asked), encoding="utf-8")
    first = json.loads((record / "history.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (record / "history.jsonl").write_text(json.dumps(first | {"seconds": 60 * took}) + "\n", encoding="utf-8")
    result = run.results()["val"].model_dump(mode="json") | {"interval": [0.1, 0.9]}
    splits = {split: result | {"split": split, "mean_iou": score} for split, score in scores.items()}
    (record / "result.json").write_text(json.dumps({"version": 1, "splits": splits}), encoding="utf-8")


def test_a_row_says_minutes_weights_and_the_reports_best_on_the_same_split(run: Run, tmp_path: Path) -> None:
    assert minutes.table(tmp_path) == ""
    recorded(run, tmp_path, "camvid-scratch-seed0", "camvid/scratch", {"val": 0.6, "test": 0.5}, 89.9)
    recorded(run, tmp_path, "idd_lite-pretrained-seed0", "idd_lite/pretrained", {"val": 0.7}, 30)
    (best,) = minutes.REPORTS["idd_lite"]
    recorded(run, tmp_path, best, "ai-idd/weighted-loss", {"val": 0.55}, 30)
    camvid, idd = minutes.table(tmp_path, "docs/").splitlines()[2:]
    assert camvid.startswith("| `camvid/scratch` | nothing | 90 | test, ")
    assert camvid.endswith("| 0.5000 | 0.1000–0.9000 | – | [seed 0](docs/runs/camvid-scratch-seed0/README.md) |")
    assert idd.startswith("| `idd_lite/pretrained` | ImageNet | 30 | val, ")
    assert f"| 0.7000 | 0.1000–0.9000 | [0.5500](docs/runs/{best}/README.md) | " in idd


def test_the_table_is_placed_between_its_marks_and_nowhere_else(run: Run, tmp_path: Path) -> None:
    recorded(run, tmp_path, "camvid-scratch-seed0", "camvid/scratch", {"val": 0.6, "test": 0.5}, 90)
    readme = f"before\n{minutes.BEGIN}\nold\n{minutes.END}\nafter\n"
    placed = minutes.placed(readme, tmp_path)
    assert placed.splitlines()[0] == "before"
    assert placed.splitlines()[-1] == "after"
    assert "old" not in placed
    assert minutes.table(tmp_path, "docs/") in placed
    assert minutes.placed(placed, tmp_path) == placed
    assert minutes.placed("no marks\n", tmp_path) == "no marks\n"
