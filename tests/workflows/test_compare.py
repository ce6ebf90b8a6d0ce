"""Comparisons of runs: scores, confidence intervals of differences, and verdicts."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.reporting.comparison_page import comparison_text
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows.compare import compare
from tests.networks import Small
from tests.workflows.pages import self_contained

FIT = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
PLAIN = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=FIT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two seeds of one experiment, and one of another."""
    folder = tmp_path_factory.mktemp("runs")
    experiments = [PLAIN, PLAIN.with_values({"fit.seed": "1"}), PLAIN.with_values({"loss": "dice"})]
    return [train(experiment, out=folder / str(n)) for n, experiment in enumerate(experiments)]


def test_seeds_form_a_group_and_differences_have_intervals(runs: list[Run]) -> None:
    done = compare(runs, "val", out="out")
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
    text = self_contained(done.page)
    assert "has one seed. The variation\nbetween seeds is assumed to be that of the other recipes" in text
    for name in ("mean accuracy", "frequency-weighted IoU", *second.iou):
        assert name in text
    assert str(second.mean_iou.verdict) in text
    shown = done.result.pictures
    assert text.count("data:image/png") == len(shown)
    assert all((picture.gain > 0) == picture.ahead for picture in shown)
    assert len({picture.file for picture in shown}) == len(shown)


def test_two_seeds_of_one_recipe_do_not_differ(runs: list[Run]) -> None:
    done = compare(runs[:2], "val", out="out")
    assert [column.name for column in done.result.columns] == ["shapes/fcn, seed 0", "shapes/fcn, seed 1"]
    together = done.result.together
    assert together
    assert together.spread
    second = done.result.columns[1]
    assert {entry.verdict for entry in (*second.metrics.values(), *second.iou.values())} == {"cannot tell"}
    assert "due to chance" in self_contained(done.page)
    assert "cannot tell" in comparison_text(done.result).plain


def test_with_single_seeds_the_page_names_the_missing_variation(runs: list[Run]) -> None:
    done = compare([runs[0], runs[2]], "val", out="out")
    assert not done.result.seeds_known
    assert "The intervals do not include the variation between seeds" in self_contained(done.page)


def test_in_a_narrow_terminal_no_name_is_broken(runs: list[Run]) -> None:
    text = comparison_text(compare(runs, "val", out="out").result).plain
    assert max(map(len, text.splitlines()[:6])) <= 80
    assert "  shapes/fcn\n" in text


@pytest.mark.slow
def test_runs_that_cannot_be_compared_are_refused(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="give two or more"):
        compare(runs[:1], out="out")
    with pytest.raises(RunError, match="the same seed"):
        compare([runs[0], runs[0]], "val", out="out")
    larger = train(PLAIN.with_values({"data.images": "28"}), out=tmp_path / "larger")
    with pytest.raises(RunError, match="different data cannot be compared"):
        compare([runs[0], larger], "val", out="out")
    assert not Path("out").exists()


def test_damaged_counts_are_refused_and_nothing_is_written(runs: list[Run], tmp_path: Path) -> None:
    shutil.copytree(runs[2].path, tmp_path / "damaged")
    file = tmp_path / "damaged" / "confusion_val.npz"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(RunError, match=r"confusion_val\.npz is damaged; run `pixelwise evaluate` on 'val' again"):
        compare([runs[0], tmp_path / "damaged"], "val", out="out")
    assert not Path("out").exists()


def test_results_with_test_time_augmentation_are_not_compared(runs: list[Run], tmp_path: Path) -> None:
    copies = [shutil.copytree(run.path, tmp_path / run.path.name) for run in runs]
    flipped = evaluate(copies[0], options=InferenceOptions(flip=True))
    first, *_ = compare([copies[0], copies[2]], "val", out="out").result.columns
    assert first.mean_iou.value == Run(copies[0]).results()["val"].mean_iou != flipped.mean_iou
    with pytest.raises(InvalidSpec, match="has no split 'val, flip'"):
        compare([copies[0], copies[2]], flipped.name, out="other")
    assert not Path("other").exists()
