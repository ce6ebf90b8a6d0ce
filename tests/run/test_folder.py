"""A run folder of an older version is read, as far as it asks for nothing that is gone."""

import json
from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from pixelwise.models import Fcn
from pixelwise.run import Run


@pytest.fixture
def asked() -> Experiment:
    return Experiment(name="shapes/fcn", data=Shapes(), model=Fcn())


def written_by_version_5(path: Path, asked: Experiment, balance: float) -> Run:
    run = Run.create(path, asked.to_json(), {})
    file = path / "experiment.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["version"], content["experiment"]["augment"]["balance"] = 5, balance
    file.write_text(json.dumps(content), encoding="utf-8")
    return run


def test_a_field_that_was_taken_away_is_forgotten_where_it_was_not_used(asked: Experiment, tmp_path: Path) -> None:
    run = written_by_version_5(tmp_path / "run", asked, balance=0)
    assert run.experiment == asked


def test_a_field_that_was_taken_away_is_named_where_it_was_used(asked: Experiment, tmp_path: Path) -> None:
    run = written_by_version_5(tmp_path / "run", asked, balance=0.5)
    with pytest.raises(InvalidSpec, match=r"augment\.balance"):
        run.experiment


@pytest.mark.parametrize("experiment", [[], {"augment": None}, {"augment": []}], ids=str)
def test_a_damaged_experiment_is_left_for_its_reader_to_name(
    asked: Experiment, tmp_path: Path, experiment: object
) -> None:
    run = Run.create(tmp_path / "run", asked.to_json(), {})
    (run.path / "experiment.json").write_text(json.dumps({"version": 5, "experiment": experiment}), encoding="utf-8")
    assert run.experiment.model_dump(mode="json") == experiment
