"""Cross-check: other libraries compute the same scores."""

import numpy as np
import pytest

from pixelwise.cli import main
from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows import cross_check as module
from pixelwise.workflows.cross_check import cross_check
from tests.networks import Small


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    fit = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=16), model=Small(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("evaluated") / "run")


def test_every_library_has_the_same_scores(run: Run) -> None:
    ours, *others = cross_check(run)
    assert {scores.library for scores in others} >= {"torchmetrics", "scikit-learn"}
    for scores in others:
        assert scores.mean_iou == pytest.approx(ours.mean_iou, abs=1e-6)
        defined = np.isfinite(ours.iou)
        assert np.array(scores.iou)[defined] == pytest.approx(np.array(ours.iou)[defined], abs=1e-6)


def test_the_command_prints_them_with_their_definitions(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", str(run.path), "--cross-check"])
    shown = capsys.readouterr().out
    assert shown.count(f"{run.results()['val'].mean_iou:.4f}") >= 3
    assert "torchmetrics: MulticlassJaccardIndex" in shown


def test_without_another_library_the_error_names_two(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(InvalidSpec, match="pip install torchmetrics scikit-learn"):
        cross_check(run)
