"""Results with test-time augmentation or sliding windows are stored beside the plain ones, under names of their own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predict import predict
from pixelwise.inference.predictor import Predictor
from pixelwise.metrics import bootstrap
from pixelwise.run import Run
from pixelwise.run.migrations import VERSION
from pixelwise.training.loop import train
from tests.data.trees import write_image
from tests.inference.test_backends import needs
from tests.networks import Small

OPTIONS = InferenceOptions(flip=True, scales=(0.75, 1))
NAME = "val, flip, scales 0.75 1"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    fit = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="shapes/fcn", data=Shapes(size=(32, 32), images=24), model=Small(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("options") / "run")


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def files(run: Run) -> dict[str, bytes]:
    return {f.relative_to(run.path).as_posix(): f.read_bytes() for f in run.path.rglob("*") if f.is_file()}


def test_a_result_with_tta_is_stored_beside_the_plain_one(run: Run) -> None:
    before, plain = files(run), run.results()
    result = evaluate(run, options=OPTIONS)
    assert (result.split, result.inference, result.name) == ("val", "flip, scales 0.75 1", NAME)
    assert result.title == f"val split, {result.size}, epoch {result.epoch}; flip, scales 0.75 1"
    assert result.confusion_matrix != plain["val"].confusion_matrix
    assert run.results() == plain
    assert run.inference_results() == {NAME: result}
    after = files(run)
    assert {name for name in before if after[name] != before[name]} == {"result.json"}
    stem = "val+flip+scales-0.75-1"
    added = {name for name in after if name not in before}
    assert {f"confusion_{stem}.npz", f"overlays/{stem}.png"} <= added
    assert all(name.startswith((f"confusion_{stem}", f"overlays/{stem}")) for name in added)
    assert run.sheet("val", result.inference).is_file()


def test_another_evaluation_replaces_the_result_of_its_name_and_nothing_else(run: Run) -> None:
    first = evaluate(run, options=OPTIONS)
    assert evaluate(run, options=InferenceOptions(flip=True, scales=(1, 0.75))) == first
    other = evaluate(run, options=InferenceOptions(window=(16, 16)))
    plain = evaluate(run)
    assert plain.inference == ""
    assert run.results() == {"val": plain}
    assert run.inference_results() == {NAME: first, "val, window 16 16": other}


def test_the_counts_of_each_image_are_stored_for_intervals_of_differences(run: Run) -> None:
    result = evaluate(run, options=OPTIONS)
    (ids, plain), (same, seen) = run.per_image("val"), run.per_image("val", result.inference)
    assert ids == same
    assert seen.sum(0).tolist() == [list(row) for row in result.confusion_matrix]
    difference = bootstrap.compare(plain[None], seen[None]).mean_iou
    assert difference.value == pytest.approx((result.mean_iou or 0) - (run.results()["val"].mean_iou or 0))
    assert difference.low <= difference.value <= difference.high
    with pytest.raises(RunError, match="no evaluation of 'val' with window 9 9; run `pixelwise evaluate` on it first"):
        run.per_image("val", "window 9 9")


def test_results_of_an_older_version_are_plain_ones(run: Run) -> None:
    file, plain = run.path / "result.json", run.results()
    content = json.loads(file.read_text())
    assert content["version"] == VERSION
    old = content["splits"]["val"]
    old["trivial"], old["interval"] = old.pop("majority_baseline"), old.pop("mean_iou_ci95")
    del content["inference"], old["inference"]
    file.write_text(json.dumps(content | {"version": 4}))
    assert run.results() == plain
    assert run.inference_results() == {}
    result = evaluate(run, options=OPTIONS)
    assert (run.results(), run.inference_results()) == (plain, {NAME: result})


def test_windows_that_are_too_small_are_refused_before_weights_or_data_are_looked_for(run: Run) -> None:
    run.best.unlink()
    small = InferenceOptions(window=(32, 3))
    image = write_image(Path("a.png"), (20, 30))
    for ask in (
        lambda: evaluate(run, "no such split", options=small),
        lambda: predict(run, [image], "out", options=small),
        lambda: Predictor.load(run, options=small),
    ):
        with pytest.raises(InvalidSpec, match=r"a window of 32×3 is too small for .*, whose minimum is 4×4 pixels"):
            ask()
    assert not Path("out").exists()


def test_predicted_files_follow_the_options_and_the_speed_names_them(run: Run) -> None:
    photos = [write_image(Path(f"photos/{n}.png"), (40 + n, 60), seed=n) for n in range(3)]
    done = predict(run, photos, "out", options=OPTIONS)
    assert done.speed.endswith(" images/s); flip, scales 0.75 1")
    once, often = Predictor.load(run), Predictor.load(run, OPTIONS)
    changed = 0
    for written in done.written:
        pixels = np.array(Image.open(written.image))
        assert (np.array(Image.open(written.labels)) == often.label_space.to_raw(often(pixels))).all()
        changed += int((often(pixels) != once(pixels)).sum())
    assert changed


def test_with_another_backend_the_counts_are_nearly_torchs_and_not_stored(run: Run) -> None:
    needs("openvino")
    stored = evaluate(run, options=OPTIONS)
    before = files(run)
    found = evaluate(run, options=OPTIONS.replace(backend="openvino"))
    assert found.inference == stored.inference
    moved = np.abs(np.array(found.confusion_matrix) - np.array(stored.confusion_matrix)).sum()
    assert moved <= 1e-3 * np.array(stored.confusion_matrix).sum()
    assert files(run) == before
