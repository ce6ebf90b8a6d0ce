"""A run's page holds its run's numbers, and needs nothing beside it."""

import re
from pathlib import Path

import numpy as np
import pytest

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.engine.train import train
from pixelwise.experiment import Experiment, Fit
from pixelwise.runs import Run
from pixelwise.studies.compare import compare_runs
from pixelwise.studies.report import report
from tests.networks import Small

FIT = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
PLAIN = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=FIT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two seeds of one experiment, and one of another."""
    folder = tmp_path_factory.mktemp("runs")
    other = PLAIN.with_values({"loss": "dice"})
    asked = [PLAIN, PLAIN.with_values({"fit.seed": "1"}), other]
    return [train(experiment, out=folder / str(n)) for n, experiment in enumerate(asked)]


def standing(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "http" not in re.sub(r"data:[^\"]*", "", text)
    return text


def test_a_runs_page_shows_its_scores_and_stands_alone(runs: list[Run]) -> None:
    text = standing(report(runs[0]))
    result = runs[0].results()["val"]
    assert f"{result.mean_iou:.4f}" in text
    for name, value in result.iou.items():
        assert name in text
        assert value is None or f"{value:.4f}" in text
    assert "pixelwise train shapes/fcn --seed 0" in text
    assert text.count("data:image/png") == 6  # curves, confusion, reliability; worst, middle, best


def test_a_split_that_was_not_judged_is_judged(runs: list[Run], tmp_path: Path) -> None:
    page = report(runs[1], "test", out=tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert f"{runs[1].results()['test'].mean_iou:.4f}" in standing(page)
    with pytest.raises(InvalidSpec, match="has no split 'trian'"):
        report(runs[1], "trian")


def test_a_page_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        report(tmp_path / "nothing")


def test_seeds_are_taken_together_and_differences_have_intervals(runs: list[Run]) -> None:
    done = compare_runs(runs, "val", out="out")
    first, second = done.result.columns
    assert (first.seeds, second.seeds) == ((0, 1), (0,))
    assert second.name.startswith("shapes/fcn, loss.")
    assert "loss.kind=dice" in second.name
    scores = [run.results()["val"].mean_iou or 0 for run in runs]
    assert first.mean_iou.value == pytest.approx(np.mean(scores[:2]))
    assert first.mean_iou.spread == pytest.approx(np.std(scores[:2], ddof=1))
    assert first.mean_iou.verdict is None
    assert second.mean_iou.difference == pytest.approx(scores[2] - np.mean(scores[:2]))
    assert (second.mean_iou.low or 0) <= (second.mean_iou.difference or 0) <= (second.mean_iou.high or 0)
    assert done.result.single_seeds == [second.name]
    text = standing(done.page)
    assert "there is one seed" in text
    assert str(second.mean_iou.verdict) in text
    assert text.count("data:image/png") == 1 + 6  # the differences, and three images on each side


def test_two_seeds_of_one_recipe_are_one_group(runs: list[Run]) -> None:
    (only,) = compare_runs(runs[:2], "val", out="out").result.columns
    assert only.mean_iou.spread is not None


def test_runs_that_cannot_be_compared_are_refused(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="give two or more"):
        compare_runs(runs[:1], out="out")
    with pytest.raises(RunError, match="the same seed"):
        compare_runs([runs[0], runs[0]], "val", out="out")
    larger = train(PLAIN.with_values({"data.images": "28"}), out=tmp_path / "larger")
    with pytest.raises(RunError, match="different data cannot be compared"):
        compare_runs([runs[0], larger], "val", out="out")
    assert not Path("out").exists()
