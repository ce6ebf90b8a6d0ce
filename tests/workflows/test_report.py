"""A run's page holds its run's numbers, and needs nothing beside it."""

import re
from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows.report import report
from tests.networks import Small
from tests.workflows.pages import self_contained

FIT = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
PLAIN = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=FIT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two seeds of one experiment."""
    folder = tmp_path_factory.mktemp("runs")
    return [train(PLAIN.with_values({"fit.seed": str(seed)}), out=folder / str(seed)) for seed in (0, 1)]


def test_a_runs_page_shows_its_scores_and_stands_alone(runs: list[Run]) -> None:
    text = self_contained(report(runs[0]))
    result = runs[0].results()["val"]
    assert f"{result.mean_iou:.4f}" in text
    for name, value in result.iou.items():
        assert name in text
        assert value is None or f"{value:.4f}" in text
    for words in ("pixelwise train shapes/fcn --seed 0", "evaluate runs/again --split val", "report runs/again"):
        assert words in text
    assert re.search(r"peak memory</dt><dd>\d+\.\d GiB", text)
    assert text.count("data:image/png") == 6  # curves, confusion, reliability; worst, median, best


def test_a_split_that_was_not_judged_is_judged(runs: list[Run], tmp_path: Path) -> None:
    page = report(runs[1], "test", out=tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert f"{runs[1].results()['test'].mean_iou:.4f}" in self_contained(page)
    with pytest.raises(InvalidSpec, match="has no split 'trian'"):
        report(runs[1], "trian")


def test_a_result_by_several_views_is_told_apart_from_the_pages_own(runs: list[Run], tmp_path: Path) -> None:
    plain, seen = runs[1].results()["val"], evaluate(runs[1], options=InferenceOptions(flip=True))
    text = self_contained(report(runs[1], "val", out=tmp_path / "page.html"))
    assert f"<b>{plain.mean_iou:.4f}</b><span>mean IoU over" in text
    assert f"epoch {seen.epoch}; flip: mean IoU {seen.mean_iou:.4f}" in text


def test_a_page_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        report(tmp_path / "nothing")


def test_a_page_that_cannot_be_written_is_told_before_the_work(runs: list[Run], tmp_path: Path) -> None:
    for out, why in ((tmp_path, "is a folder"), (tmp_path / "no" / "page.html", "there is no folder")):
        with pytest.raises(RunError, match=why):
            report(runs[0], out=out, data_root="nowhere")
