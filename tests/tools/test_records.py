"""Pages of records: scores with test-time augmentation are labeled, pictures are shown where they exist."""

from pathlib import Path

import pytest

from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.run import Run
from pixelwise.training.loop import train
from tests.networks import Small
from tools import records, results


@pytest.fixture
def run(tmp_path: Path) -> Run:
    fit = Fit(epochs=4, val_every=2, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=fit)
    return train(small, out=tmp_path / "run")


@pytest.mark.slow
def test_every_score_of_a_record_is_labeled_with_its_test_time_augmentation(run: Run, tmp_path: Path) -> None:
    plain, augmented = run.results()["val"], evaluate(run, options=InferenceOptions(flip=True, scales=(0.5, 1.0)))
    folder = records.add(run, tmp_path)
    page = records.page(Run.open(folder))
    assert "| IoU | val | val, flip, scales 0.5 1 |" in page
    assert f"| mean | {plain.mean_iou:.4f} | {augmented.mean_iou:.4f} |" in page
    rows = [line for line in results.page(tmp_path).splitlines() if line.startswith("| shapes/fcn |")]
    assert [row.split(" | ")[1] for row in rows] == ["val", "val, flip, scales 0.5 1"]
    for row, result in zip(rows, (plain, augmented), strict=True):
        assert result.mean_iou_ci95
        ends = "–".join(f"{end:.4f}" for end in result.mean_iou_ci95)
        assert f"| {result.mean_iou:.4f} [{ends}] ({result.classes_in_mean} classes) |" in row
        assert f"| {result.epoch} of 4 |" in row


@pytest.mark.slow
def test_pictures_are_copied_on_request_and_shown_where_they_exist(run: Run, tmp_path: Path) -> None:
    without, with_pictures = records.add(run, tmp_path), records.add(run, tmp_path, "shown", pictures=True)
    assert not list(without.glob("*.png"))
    assert "![" not in records.page(Run.open(without))
    assert {file.name for file in with_pictures.glob("*.png")} == {"curves.png", "val.png"}
    page = records.page(Run.open(with_pictures))
    assert "![Training curves](curves.png)" in page
    assert "![Predictions on val](val.png)" in page


def test_a_page_counts_epochs_and_names_the_evaluated_one(run: Run, tmp_path: Path) -> None:
    page = records.page(Run.open(records.add(run, tmp_path)))
    assert "minutes, 4 epochs with a validation every 2 epochs\n" in page
    assert f"- evaluated weights: epoch {run.results()['val'].epoch} (best validation mean IoU)\n" in page


def test_an_epoch_that_ended_at_the_time_limit_is_stated_with_its_images(run: Run) -> None:
    lines = (run.path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    cut = lines[-1].replace('"images":48', '"images":20')
    assert cut != lines[-1]
    (run.path / "history.jsonl").write_text("\n".join([*lines[:-1], cut]) + "\n", encoding="utf-8")
    assert "time limit" not in records.epochs(run)
    experiment = (run.path / "experiment.json").read_text(encoding="utf-8")
    timed = experiment.replace('"epochs": 4', '"epochs": null').replace('"minutes": null', '"minutes": 1')
    (run.path / "experiment.json").write_text(timed, encoding="utf-8")
    expected = (
        "4 epochs with a validation every 2 epochs; the last 2 epochs ended at the time limit, after 20 of 48 images"
    )
    assert records.epochs(Run.open(run.path)) == expected


@pytest.mark.slow
def test_main_writes_all_pages(run: Run, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no table\n", encoding="utf-8")
    results.main([str(run.path)], tmp_path / "records", tmp_path / "docs")
    results.main([str(run.path), "--name", "shown", "--pictures"], tmp_path / "records", tmp_path / "docs")
    runs = tmp_path / "records" / "runs"
    assert (runs / "shapes-fcn-seed0" / "README.md").is_file()
    assert (runs / "shown" / "curves.png").is_file()
    assert "(../records/runs/shown/README.md)" in (tmp_path / "docs" / "results.md").read_text(encoding="utf-8")
    assert (tmp_path / "docs" / "accuracy.md").is_file()
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "no table\n"
