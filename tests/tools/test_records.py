"""A run that was evaluated by several views too: the pages of records name them beside the number."""

from pathlib import Path

import pytest

from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.tta import Views
from pixelwise.run import Run
from pixelwise.training.loop import train
from tests.networks import Small
from tools import records, results


@pytest.fixture
def run(tmp_path: Path) -> Run:
    fit = Fit(epochs=1, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=fit)
    return train(small, out=tmp_path / "run")


def test_each_number_of_a_record_has_its_views_beside_it(run: Run) -> None:
    plain, seen = run.results()["val"], evaluate(run, views=Views(flip=True, scales=(0.5, 1)))
    folder = records.add(run, Path("docs"))
    assert {file.name for file in folder.glob("*.png")} == {"curves.png", "val.png"}
    page = records.page(Run.open(folder))
    assert "| IoU | val | val, flip, scales 0.5 1 |" in page
    assert f"| mean | {plain.mean_iou:.4f} | {seen.mean_iou:.4f} |" in page
    rows = [line for line in results.page(Path("docs")).splitlines() if line.startswith("| shapes/fcn |")]
    assert [row.split(" | ")[1] for row in rows] == ["val", "val, flip, scales 0.5 1"]
    for row, result in zip(rows, (plain, seen), strict=True):
        assert result.mean_iou_ci95
        ends = "–".join(f"{end:.4f}" for end in result.mean_iou_ci95)
        assert f"| {result.mean_iou:.4f} [{ends}] ({result.classes_in_mean} classes) |" in row
