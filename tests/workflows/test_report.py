"""Reports contain the numbers of their runs, and are self-contained."""

import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows.compare import compare
from pixelwise.workflows.report import _select_images, report
from tests.networks import Small
from tests.workflows.pages import self_contained
from tests.workflows.version6 import as_version_6

FIT = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
PLAIN = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=FIT)
FLIP = InferenceOptions(flip=True)
HEADINGS = (
    "Configuration", "Reproduce", "Classes", "Training curves", "Confusion matrix", "Calibration",
    "Worst, median and best images",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two seeds of one experiment."""
    folder = tmp_path_factory.mktemp("runs")
    return [train(PLAIN.with_values({"fit.seed": str(seed)}), out=folder / str(seed)) for seed in (0, 1)]


@pytest.fixture
def copy(runs: list[Run], tmp_path: Path) -> Run:
    return Run(shutil.copytree(runs[0].path, tmp_path / "copy"))


def test_a_report_contains_the_scores_and_is_self_contained(runs: list[Run]) -> None:
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
    assert tuple(re.findall("<h2>(.*?)</h2>", text)) == HEADINGS


def test_a_split_that_was_not_evaluated_is_evaluated(runs: list[Run], tmp_path: Path) -> None:
    page = report(runs[1], "test", out=tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert f"{runs[1].results()['test'].mean_iou:.4f}" in self_contained(page)
    with pytest.raises(InvalidSpec, match="has no split 'trian'"):
        report(runs[1], "trian")


def test_a_result_of_an_earlier_epoch_is_evaluated_again(copy: Run, tmp_path: Path) -> None:
    expected = evaluate(copy, "test")
    content = json.loads((copy.path / "result.json").read_text(encoding="utf-8"))
    content["splits"]["test"] |= {"epoch": expected.epoch + 1, "mean_iou": 0.99}
    (copy.path / "result.json").write_text(json.dumps(content), encoding="utf-8")
    text = self_contained(report(copy))
    assert "0.9900" not in text
    assert f"<b>{expected.mean_iou:.4f}</b><span>mean IoU over" in text
    assert copy.results()["test"] == expected


def test_other_results_are_listed_below_the_scores(copy: Run, tmp_path: Path) -> None:
    plain, flipped = copy.results()["val"], evaluate(copy, options=FLIP)
    text = self_contained(report(copy, "val", out=tmp_path / "page.html"))
    assert f"<b>{plain.mean_iou:.4f}</b><span>mean IoU over" in text
    assert f"epoch {flipped.epoch}; flip: mean IoU {flipped.mean_iou:.4f}" in text


def test_a_report_with_options_shows_the_result_with_these_options(copy: Run, tmp_path: Path) -> None:
    plain_page = self_contained(report(copy, "val", out=tmp_path / "plain.html"))
    text = self_contained(report(copy, "val", out=tmp_path / "flip.html", options=FLIP))
    flipped, plain = copy.inference_results()["val, flip"], copy.results()["val"]
    assert flipped.mean_iou != plain.mean_iou
    assert f"<b>{flipped.mean_iou:.4f}</b><span>mean IoU over" in text
    for value in flipped.iou.values():
        assert value is None or f'<td class="figure">{value:.4f}</td>' in text
    assert f"epoch {plain.epoch}: mean IoU {plain.mean_iou:.4f}" in text, "the plain result is among the others"
    assert "<dt>inference</dt><dd>flip</dd>" in text
    assert "<dt>inference</dt>" not in plain_page
    for command in ("evaluate", "report"):
        assert f"pixelwise {command} runs/again --split val --flip" in text
    (error,), (plain_error,) = (re.findall(r"<b>(.{6})</b><span>expected cal", page) for page in (text, plain_page))
    assert error != plain_error, "calibration is measured on the averaged probabilities"
    worst = min(v for v in map(_mean_iou, copy.per_image("val", "flip")[1]))
    assert f"worst {worst:.4f}" in text


def _mean_iou(matrix: np.ndarray) -> float:
    hit = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hit
    return float(np.mean(hit[union > 0] / union[union > 0]))


@pytest.mark.parametrize(
    "options", [InferenceOptions(backend="onnxruntime"), InferenceOptions(precision="bf16"),
                InferenceOptions(backend="openvino", precision="int8", flip=True)],
)  # fmt: skip
def test_other_backends_and_precisions_are_refused(copy: Run, options: InferenceOptions) -> None:
    before = sorted(copy.path.rglob("*"))
    with pytest.raises(InvalidSpec) as raised:
        report(copy, options=options)
    assert str(raised.value) == (
        f"a report shows results of torch in fp32, not of {options.backend} in {options.precision}: leave out --backend"
        " and --precision."
    )
    assert sorted(copy.path.rglob("*")) == before


def test_an_experiment_without_a_recipe_has_a_command_too(copy: Run) -> None:
    file = copy.path / "experiment.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"shapes/fcn"', '"mine"'), encoding="utf-8")
    text = html.unescape(self_contained(report(copy)))
    (code,) = re.findall(r"python -c '(.*?)'", text)
    compile(code, "command", "exec")
    assert 'pw.train(pw.Run.open("copy").experiment, out="runs/again")' in code


@pytest.mark.slow
def test_runs_of_version_6_are_reported_and_compared_as_before(tmp_path: Path) -> None:
    values = {"fit.epochs": "4", "fit.val_every": "2", "loss.class_weights": "root_inverse"}
    run = train(PLAIN.with_values(values), out=tmp_path / "new")
    evaluate(run, "test")
    evaluate(run, "test", options=FLIP)
    old = as_version_6(run, tmp_path / "old")
    pages = [self_contained(report(found, "test", out=tmp_path / "page.html")) for found in (run, old)]
    assert pages[0] == pages[1]
    assert "test split, 6 images, epoch" in pages[0]
    for path, value in values.items():
        assert f"--set {path}={value}" in pages[1]
    other = train(PLAIN, out=tmp_path / "other")
    results = [compare([other, found], "test", out=tmp_path / f"{n}").result for n, found in enumerate((run, old))]
    assert results[0] == results[1]


def test_no_image_is_selected_twice() -> None:
    for number in range(13):
        scores = np.random.default_rng(number).permutation(np.linspace(0, 1, number))
        selected = _select_images(np.append(scores, np.nan))
        indices = [index for kind in selected.values() for index in kind]
        assert len(set(indices)) == len(indices) >= min(number, 2)
        assert number not in indices, "the mean IoU of an image without labels is undefined"
        if number >= 3:
            assert list(selected) == ["worst", "median", "best"]
            assert scores[selected["worst"][0]] == 0
            assert scores[selected["best"][0]] == 1


def test_a_run_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        report(tmp_path / "nothing")


def test_a_file_that_cannot_be_written_is_refused_before_the_work(runs: list[Run], tmp_path: Path) -> None:
    for out, why in ((tmp_path, "is a folder"), (tmp_path / "no" / "page.html", "there is no folder")):
        with pytest.raises(RunError, match=why):
            report(runs[0], out=out, data_root="nowhere")
