"""The run folder: typed contents, damage, migrations of earlier versions."""

import json
from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.models import Fcn
from pixelwise.run import Run
from pixelwise.run.migrations import VERSION, migrate
from tests.runs import ENVIRONMENT


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(name="shapes/fcn", data=Shapes(), model=Fcn())


@pytest.fixture
def run(experiment: Experiment, tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", experiment, ENVIRONMENT)


def rewrite(run: Run, version: int, **fields: object) -> Run:
    """The run as if an earlier version had written its experiment."""
    (run.path / "experiment.json").write_text(json.dumps({"version": version, **fields}), encoding="utf-8")
    return Run.open(run.path)


def test_the_contents_come_back(run: Run, experiment: Experiment) -> None:
    for opened in (Run.open(run.path), Run.open(str(run.path)), Run.open(run)):
        assert opened.experiment == experiment
        assert opened.environment == ENVIRONMENT
        assert opened.statistics == ENVIRONMENT.statistics
        assert opened.history() == []
        assert opened.all_results() == {}


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        Run.open(tmp_path / "none")
    with pytest.raises(RunError, match=r"it has no experiment\.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"), [("machine", {"device": "cpu"}), ("statistics", None), ("statistics", {"images": "many"})]
)
def test_a_damaged_environment_is_named(run: Run, key: str, value: object) -> None:
    file = run.path / "environment.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(content | {key: value}), encoding="utf-8")
    with pytest.raises(RunError, match=rf"environment\.json is damaged: '{key}' is not valid"):
        _ = Run.open(run.path).statistics
    del content[key]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RunError, match=rf"environment\.json has no {key}"):
        _ = Run.open(run.path).environment


def test_a_newer_version_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match=rf"schema version {VERSION + 1}, newer than this pixelwise reads"):
        rewrite(run, VERSION + 1, experiment={})


def test_a_removed_field_is_dropped_where_it_was_unused(run: Run, experiment: Experiment) -> None:
    old = json.loads(experiment.to_json())
    old["augment"]["balance"] = 0
    assert rewrite(run, 5, experiment=old).experiment == experiment
    old["augment"]["balance"] = 0.5
    with pytest.raises(InvalidSpec, match=r"augment\.balance"):
        _ = rewrite(run, 5, experiment=old).experiment


@pytest.mark.parametrize("content", [[], {"augment": None}, {"augment": [], "fit": 3, "loss": [1]}], ids=str)
def test_a_damaged_experiment_is_left_for_its_reader_to_name(run: Run, content: object) -> None:
    with pytest.raises(InvalidSpec):
        _ = rewrite(run, 5, experiment=content).experiment


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"epochs": 5, "passes": 4}, {"epochs": 20, "minutes": None, "val_every": 4}),
        ({"epochs": 7}, {"epochs": 7}),
        ({"epochs": 20, "minutes": 30, "passes": 12}, {"epochs": None, "minutes": 30, "val_every": 12}),
        ({"best": "val_loss", "clip": 1, "ema": 0.9}, {"monitor": "val_loss", "grad_clip_norm": 1, "ema_decay": 0.9}),
        (
            {"schedule": {"kind": "cosine", "floor": 1e-4}, "early_stop": {"monitor": "val_loss", "patience": 3}},
            {"schedule": {"kind": "cosine", "min_lr": 1e-4}, "early_stop": {"monitor": "val_loss", "patience": 3}},
        ),
    ],
)
def test_the_training_of_version_6_is_migrated(old: dict[str, object], new: dict[str, object]) -> None:
    migrated = migrate({"version": 6, "experiment": {"fit": old}}, Path("experiment.json"))["experiment"]["fit"]
    assert Fit.model_validate(migrated) == Fit.model_validate(new)


def test_the_components_of_version_6_are_migrated_and_a_users_own_are_not() -> None:
    old = {
        "size": [4, 8],
        "loss": {"kind": "cross_entropy", "weights": "inverse", "smoothing": 0.1},
        "model": {"kind": "segformer", "aux": 0.4, "weights": None},
        "augment": {"jitter": 0.3},
        "data": {
            "kind": "folder",
            "label_files": {
                "space": {"names": ["a"], "colours": [[1, 2, 3]], "void_colour": [0, 0, 0], "not_judged": []},
                "colours": [[[1, 2, 3], 0]],
            },
        },
    }
    new = {
        "image_size": [4, 8],
        "loss": {"kind": "cross_entropy", "class_weights": "inverse", "label_smoothing": 0.1},
        "model": {"kind": "segformer", "aux_loss_weight": 0.4, "weights": None},
        "augment": {"color_jitter": 0.3},
        "data": {
            "kind": "folder",
            "label_files": {
                "label_space": {
                    "names": ["a"], "colors": [[1, 2, 3]], "void_color": [0, 0, 0], "ignored_in_evaluation": [],
                },
                "colors": [[[1, 2, 3], 0]],
            },
        },
    }  # fmt: skip
    assert migrate({"version": 6, "experiment": old}, Path("experiment.json"))["experiment"] == new
    own = {"loss": {"kind": "mine.py:Mine", "weights": 3}, "model": {"kind": "mine.py:Net", "aux": 1}}
    assert migrate({"version": 6, "experiment": own}, Path("experiment.json"))["experiment"] == own
