"""Three evaluates say what we say."""

import numpy as np
import pytest

from pixelwise.cli import main
from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows.cross_check import reference_scores
from tests.networks import Small
from tools import evaluates


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    fit = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=16), model=Small(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("evaluated") / "run")


def test_every_judge_says_what_we_say(run: Run) -> None:
    ours, *theirs = reference_scores(run)
    assert {"torchmetrics", "scikit-learn"} <= {opinion.evaluate for opinion in theirs}
    for opinion in theirs:
        assert opinion.mean_iou == pytest.approx(ours.mean_iou, abs=1e-6)
        known = np.isfinite(ours.iou)
        assert np.array(opinion.iou)[known] == pytest.approx(np.array(ours.iou)[known], abs=1e-6)


def test_the_command_prints_them_with_their_definitions(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", str(run.path), "--evaluates"])
    shown = capsys.readouterr().out
    assert shown.count(f"{run.results()['val'].mean_iou:.4f}") >= 3
    assert "torchmetrics: MulticlassJaccardIndex" in shown


def test_without_a_judge_one_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluates, "find_spec", lambda _: None)
    with pytest.raises(InvalidSpec, match="pip install torchmetrics scikit-learn"):
        reference_scores(run)
