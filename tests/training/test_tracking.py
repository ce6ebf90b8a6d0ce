"""TensorBoard and MLflow are told what the history says."""

from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec
from pixelwise.experiment import Experiment
from pixelwise.training import tracking
from pixelwise.training.loop import resume, train


def test_tensorboard_reads_back_the_history(tiny: Experiment) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = train(tiny, track="tensorboard")
    events = accumulator.EventAccumulator(str(run.tensorboard))
    events.Reload()
    history = run.history()
    for name, key in (("val/loss", "val_loss"), ("val/mean_iou", "val_mean_iou"), ("train/loss", "train_loss")):
        seen = [(event.step, event.value) for event in events.Scalars(name)]
        assert seen == [(r.epoch, pytest.approx(getattr(r, key), rel=1e-6)) for r in history]
    assert f"iou/{tiny.data.label_space.names[0]}" in events.Tags()["scalars"]


def test_mlflow_reads_back_the_history(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder is what a test can have without a database
    monkeypatch.setenv("MLFLOW_TRACKING_URI", Path("mlruns").absolute().as_uri())
    run = train(tiny, track="mlflow")
    client = mlflow.tracking.MlflowClient(Path("mlruns").absolute().as_uri())
    (experiment,) = [e for e in client.search_experiments() if e.name == "tests-tiny"]
    (found,) = client.search_runs([experiment.experiment_id])
    seen = [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "val/loss")]
    assert seen == [(r.epoch, pytest.approx(r.val_loss)) for r in run.history()]
    assert found.info.status == "FINISHED"


def test_a_resumed_run_tells_of_its_earlier_epochs_too(tiny: Experiment) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = train(tiny)
    resume(run, track="tensorboard")
    events = accumulator.EventAccumulator(str(run.tensorboard))
    events.Reload()
    assert [event.step for event in events.Scalars("val/loss")] == [1, 2]


def test_a_missing_library_is_asked_for_before_anything_is_read(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)
    with pytest.raises(InvalidSpec, match=r"pip install 'pixelwise\[track\]'"):
        train(tiny, track="mlflow", out="run")
    assert not Path("run").exists()


def test_where_mlflow_cannot_write_a_sentence_says_so_before_anything_is_read(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(InvalidSpec, match=r"MLflow cannot write: .* Set MLFLOW_TRACKING_URI"):
        train(tiny, track="mlflow", out="run")
    assert not Path("run").exists()
