"""Every committed record opens with the current code, whatever schema version it has, and is consistent."""

import json
from pathlib import Path

import pytest

from pixelwise.run import Run

ROOT = Path(__file__).parents[2] / "records"
FOLDERS = sorted(folder for kind in ("runs", "log_runs") for folder in (ROOT / kind).iterdir() if folder.is_dir())


def test_the_records_cover_schema_versions_1_to_6() -> None:
    contents = [json.loads((folder / "experiment.json").read_text(encoding="utf-8")) for folder in FOLDERS]
    assert {content["version"] for content in contents} >= set(range(1, 7))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_record_opens_and_is_consistent(folder: Path) -> None:
    run = Run.open(folder)
    fit, history, results = run.experiment.fit, run.history(), run.all_results()
    assert run.val_every == fit.val_every
    assert run.environment.machine.device
    assert run.environment.torch
    classes = list(run.results()[run.experiment.data.val_split].iou)
    assert len(run.statistics.pixel_counts) == len(classes)
    if run.experiment.data.kind != "shapes":  # until version 6 it drew other scenes, with seven classes
        assert classes == list(run.experiment.data.label_space.names)

    assert [record.epoch for record in history] == [fit.val_every * n for n in range(1, len(history) + 1)]
    if fit.epochs is not None:
        assert history[-1].epoch <= fit.epochs

    assert run.experiment.data.val_split in run.results()
    by_epoch = {record.epoch: record for record in history}
    for name, result in results.items():
        assert name == result.name
        assert by_epoch[result.epoch].best
        assert list(result.iou) == classes
        assert result.majority_baseline.predicts in result.iou
    best = by_epoch[run.results()[run.experiment.data.val_split].epoch]
    assert best.epoch == max(record.epoch for record in history if record.best)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_epochs_count_passes_over_the_training_images(folder: Path) -> None:
    """A complete validation round has seen every training image `val_every` times, or twice that with `keep_plain`."""
    run = Run.open(folder)
    rounds = [record.images for record in run.history()[:-1] if record.images is not None]
    times = 2 if run.experiment.augment.keep_plain else 1
    assert set(rounds) <= {times * run.experiment.fit.val_every * run.statistics.images}
