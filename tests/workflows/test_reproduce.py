"""Reproductions of reports: training, continuing, and checks before training."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from pixelwise import recipes
from pixelwise.core.errors import DatasetNotFound, Interrupted, InvalidSpec, RunError
from pixelwise.data.transforms import Augment
from pixelwise.evaluation.evaluate import evaluate as evaluate_run
from pixelwise.experiment import Experiment
from pixelwise.models import ResnetFcn
from pixelwise.reporting.published import published
from pixelwise.reporting.reproduction import Reproduction
from pixelwise.run import Run
from pixelwise.training import loop
from pixelwise.training.selection import TrainingState
from pixelwise.workflows import reproduce as module
from pixelwise.workflows import stored_results
from pixelwise.workflows.reproduce import ReproductionOutput, reproduce
from pixelwise.workflows.reproduction_plan import experiments, systems_of
from tests.data import trees
from tests.networks import Small

KEY = "kerr-voc2007"
ALL = recipes.get


class Wide(Small):
    """A network with a field that the others do not have."""

    kind: str = f"{__file__}:Wide"
    width: int = 8


def reduced(name: str) -> Experiment:
    """A recipe on its own data set, but with a small network, in two epochs."""
    plain = ALL(name)
    fit = plain.fit.replace(epochs=2, batch_size=3, workers=0, device="cpu", precision="fp32")
    model: Any = Wide() if name.endswith("/unet") else Small()
    if name.endswith("/resnet34"):
        model = ResnetFcn(encoder="resnet18", weights=None, widths=(4, 4, 4, 4, 4))
    return plain.replace(model=model, fit=fit, image_size=(32, 32), augment=Augment())


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "get", reduced)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    trees.voc(data, 2007)
    return data


@pytest.fixture(scope="module")
def once(root: Path, tmp_path_factory: pytest.TempPathFactory) -> ReproductionOutput:
    """Two systems, trained once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "get", reduced)
        return reproduce(KEY, ["baseline", "unet"], data_root=root, out=tmp_path_factory.mktemp("once") / "out")


@pytest.fixture
def done(once: ReproductionOutput, tmp_path: Path) -> Path:
    """A copy of its folder."""
    shutil.copytree(once.folder, tmp_path / "done")
    return tmp_path / "done"


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be trained."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("trained")

    for name in ("train", "resume"):
        monkeypatch.setattr(module, name, never)


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob(pattern)) if file.is_file()
    }


def test_the_named_systems_are_trained_evaluated_and_compared_with_the_published_numbers(
    once: ReproductionOutput,
) -> None:
    rows = {row.system: row for row in once.result.rows}
    assert list(rows) == list(published()[KEY].systems)
    assert {name for name, row in rows.items() if row.run} == {"baseline", "unet"}
    for name in ("baseline", "unet"):
        result = json.loads((once.folder / name / "result.json").read_text(encoding="utf-8"))["splits"]["test"]
        for value in rows[name].values:
            assert value.measured == result[value.metric]
            assert value.published == published()[KEY].systems[name].scores["test"][value.metric]
        assert rows[name].iou == result["iou"]
    (majority_baseline,) = once.result.majority_baseline.items()
    assert majority_baseline[0] == f"all {result['majority_baseline']['predicts']}"
    assert [value.measured for value in majority_baseline[1]] == [
        result["majority_baseline"][value.metric] for value in majority_baseline[1]
    ]


def test_the_differences_are_those_of_the_runs(once: ReproductionOutput) -> None:
    """The recipes are those of this test, so that only the small data and the two epochs differ."""
    for row in once.result.measured:
        assert row.differences == (
            "trained on a subset of 3 of 209 images",
            "evaluated on a subset of 2 of 210 images of test",
            "under-trained: 2 epochs",
        )


def test_the_folder_holds_the_result_three_times_and_pictures_of_all_systems(once: ReproductionOutput) -> None:
    assert [file.name for file in once.files] == ["report.md", "report.html", "report.json"]
    markdown, page, numbers = (file.read_text(encoding="utf-8") for file in once.files)
    assert Reproduction.from_json(numbers) == once.result
    files = [picture.file for picture in (*once.result.pictures, *once.result.curves())]
    assert len(files) == 1 + 2 + 2, "a chart, both test images, two curves"
    for file in files:
        assert f"]({file})" in markdown
        with Image.open(once.folder / file) as picture:
            picture.load()
    assert page.count("data:image/png;base64,") == len(files)


def test_a_second_call_trains_nothing_and_makes_the_same_result(done: Path, root: Path, idle: None) -> None:
    before = contents(done, "*")
    again = reproduce(KEY, ["unet", "baseline"], data_root=root, out=done)
    assert contents(done, "*") == before
    assert [row.system for row in again.result.measured] == ["baseline", "unet"], "in the report's order"


def test_one_named_system_keeps_the_others_rows(done: Path, root: Path, idle: None) -> None:
    assert [row.system for row in reproduce(KEY, ["unet"], data_root=root, out=done).result.measured] == [
        "baseline", "unet",
    ]  # fmt: skip


def test_a_recipe_without_published_numbers_is_trained_only_when_named(done: Path, root: Path) -> None:
    table = list(published()[KEY].systems)
    assert systems_of(KEY)[: len(table)] == table
    assert "dice" in systems_of(KEY)[len(table) :]
    histories = contents(done, "history.jsonl")
    result = reproduce(KEY, ["dice"], data_root=root, out=done).result
    assert [row.system for row in result.rows] == [*table, "dice"]
    assert result.rows[-1].run == "dice"
    assert histories.items() < contents(done, "history.jsonl").items(), "the others were not trained again"


def test_without_names_all_systems_of_the_table_are_trained(root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    trained = []

    def stop(experiment: Experiment, **_: Any) -> None:
        trained.append(experiment.name)
        raise RunError("enough")

    monkeypatch.setattr(module, "train", stop)
    with pytest.raises(RunError, match="enough"):
        reproduce(KEY, data_root=root, out=tmp_path / "out")
    assert trained == [f"{KEY}/baseline"]
    with pytest.raises(RunError, match="enough"):
        reproduce(KEY, data_root=root)
    assert list(experiments(KEY, published()[KEY].systems, {})) == list(published()[KEY].systems)


def test_the_default_folder_is_below_runs_and_apart_from_those_of_train(root: Path, monkeypatch: Any) -> None:
    folders = []

    def stop(_: Experiment, *, out: Path, **__: Any) -> None:
        folders.append(out)
        raise RunError("enough")

    monkeypatch.setattr(module, "train", stop)
    with pytest.raises(RunError, match="enough"):
        reproduce(KEY, data_root=root)
    assert folders == [Path("runs/reproduce", KEY, "baseline")]


def pressed_in(monkeypatch: pytest.MonkeyPatch, when: Callable[[Any, int], bool]) -> pytest.MonkeyPatch:
    """Simulates Ctrl-C before a round of training."""
    real = loop._train_round

    def train_round(learner: Any, epoch: int, *rest: Any) -> Any:
        if when(learner, epoch):
            signal.raise_signal(signal.SIGINT)
        return real(learner, epoch, *rest)

    monkeypatch.setattr(loop, "_train_round", train_round)
    return monkeypatch


@pytest.mark.slow
def test_an_interrupted_call_is_continued(once: ReproductionOutput, root: Path, tmp_path: Path) -> None:
    out, calls = tmp_path / "out", []

    def second_system(_: Any, epoch: int) -> bool:
        calls.append(epoch)
        return len(calls) == 4  # the second epoch of the second system

    with pytest.MonkeyPatch.context() as patch:
        pressed_in(patch, second_system)
        with pytest.raises(Interrupted, match=rf"interrupted in {KEY}/unet.*The same command continues"):
            reproduce(KEY, ["baseline", "unet"], data_root=root, out=out)
    assert len(Run.open(out / "unet").history()) == 1
    halfway = Reproduction.from_json((out / "report.json").read_text(encoding="utf-8"))
    assert [row.system for row in halfway.measured] == ["baseline"], "what is finished has its table already"
    baseline = (out / "baseline" / "history.jsonl").read_bytes()
    result = reproduce(KEY, ["baseline", "unet"], data_root=root, out=out).result
    assert (out / "baseline" / "history.jsonl").read_bytes() == baseline
    assert result.model_dump() == once.result.model_dump(), "as if it had not been interrupted"


@pytest.mark.slow
def test_an_error_of_a_later_system_leaves_the_finished_ones(root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    real = module.train  # type: ignore[attr-defined]  # as it is named there

    def train(experiment: Experiment, **where: Any) -> Run:
        if experiment.name.endswith("unet"):
            raise RunError("the training loss became nan")
        return real(experiment, **where)

    monkeypatch.setattr(module, "train", train)
    with pytest.raises(RunError, match="became nan"):
        reproduce(KEY, ["baseline", "unet"], data_root=root, out=tmp_path / "out")
    found = Reproduction.from_json((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert [row.system for row in found.measured] == ["baseline"]


def test_an_unfinished_run_that_was_evaluated_is_continued(done: Path, root: Path) -> None:
    """An evaluation draws the contact sheet that is also drawn at the end of a training."""
    epochs = []

    def train_round(*_: Any) -> Any:
        epochs.append(1)
        raise RunError("enough")

    file = done / "unet" / "last.safetensors"
    with safe_open(file, "pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # no dict
    state = TrainingState(epoch=1, best_epoch=1).model_dump(mode="json")
    save_file(tensors, file, {"pixelwise": json.dumps({"version": 7, "epoch": 1, "state": state})})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_train_round", train_round)
        with pytest.raises(RunError, match="enough"):
            reproduce(KEY, ["unet"], data_root=root, out=done)
    assert len(epochs) == 1


def test_a_split_is_evaluated_once_per_epoch(done: Path, root: Path, idle: None, monkeypatch: Any) -> None:
    evaluated = []
    real = evaluate_run

    def evaluate(run: Run, split: str, **rest: Any) -> Any:
        evaluated.append((run.path.name, split))
        return real(run, split, **rest)

    monkeypatch.setattr(stored_results, "evaluate", evaluate)
    file = done / "unet" / "result.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    stored = content["splits"]["test"]
    content["splits"]["test"] = {**stored, "epoch": stored["epoch"] + 1, "mean_iou": 0.99}
    file.write_text(json.dumps(content), encoding="utf-8")
    reproduce(KEY, ["unet"], data_root=root, out=done)
    assert evaluated == [("unet", "test")]
    assert json.loads(file.read_text(encoding="utf-8"))["splits"]["test"] == stored


def test_without_a_test_split_val_is_evaluated_and_the_table_names_it(tmp_path: Path) -> None:
    trees.voc(tmp_path, 2007, ("train", "val"))
    result = reproduce(KEY, ["baseline"], data_root=tmp_path, out=tmp_path / "out").result
    run = Run.open(tmp_path / "out" / "baseline")
    assert list(run.results()) == ["val"]
    assert result.measured[0].values[0].measured == run.results()["val"].mean_iou
    assert "evaluated on val instead of test" in result.measured[0].differences


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fit.epochs": "3"}, r"baseline was trained with fit.epochs=2, not 3: choose another --out or the same value"),
        ({"loss": "dice"}, r"was trained with loss.kind=cross_entropy, not dice"),
        (
            {"data.kind": "shapes"},
            r"contains kerr-voc2007/baseline on voc2007, not kerr-voc2007/baseline on shapes: choose another --out",
        ),
    ],
)
def test_a_run_with_other_settings_is_refused_and_not_changed(
    done: Path, root: Path, idle: None, change: dict[str, str], message: str
) -> None:
    before = contents(done, "*")
    with pytest.raises(RunError, match=message):
        reproduce(KEY, ["baseline"], change, data_root=root, out=done)
    assert contents(done, "*") == before


def test_a_run_of_other_data_is_refused_though_it_is_not_named(done: Path, root: Path, idle: None) -> None:
    with pytest.raises(
        RunError, match=r"baseline contains kerr-voc2007/baseline on voc2007, not kerr-voc2007/baseline on shapes"
    ):
        reproduce(KEY, ["dice"], {"data.kind": "shapes"}, data_root=root, out=done)


def test_another_reports_folder_is_refused(done: Path, root: Path, idle: None) -> None:
    shutil.rmtree(done / "unet")
    with pytest.raises(RunError, match=r"baseline contains kerr-voc2007/baseline.*choose another --out"):
        reproduce("lian-voc2007", ["baseline"], data_root=root, out=done)


def test_a_folder_with_other_files_is_refused(root: Path, tmp_path: Path, idle: None) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"is not empty: a reproduction of kerr-voc2007 needs a new or empty folder"):
        reproduce(KEY, ["baseline"], data_root=root, out=tmp_path)
    (tmp_path / "out" / "baseline").mkdir(parents=True)
    (tmp_path / "out" / "baseline" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"not a complete run folder.*Move the folder away, or choose another --out"):
        reproduce(KEY, ["baseline"], data_root=root, out=tmp_path / "out")
    assert len(list(tmp_path.rglob("*.*"))) == 2


def test_an_unknown_report_or_system_is_refused_with_the_nearest_name(root: Path) -> None:
    with pytest.raises(InvalidSpec, match=r"no report is called 'kerr'.*Choose from: ai-idd"):
        reproduce("kerr", data_root=root)
    with pytest.raises(InvalidSpec, match=r"kerr-voc2007 has no system 'resnet43'\. Did you mean 'resnet34'\?"):
        reproduce(KEY, ["baseline", "resnet43"], data_root=root)


def test_a_change_applies_to_the_systems_that_have_the_field(root: Path) -> None:
    changed = experiments(KEY, ["baseline", "unet", "resnet34"], {"model.width": "5", "fit.epochs": "7"})
    assert {name: e.fit.epochs for name, e in changed.items()} == {"baseline": 7, "unet": 7, "resnet34": 7}
    assert changed["unet"].model == Wide(width=5)
    assert changed["baseline"] == reduced(f"{KEY}/baseline").with_values({"fit.epochs": "7"})


def test_a_change_of_a_field_applies_to_the_changed_component() -> None:
    changed = experiments(KEY, ["baseline", "unet"], {"model": f"{__file__}:Wide", "model.width": "6"})
    assert [e.model.model_dump() for e in changed.values()] == [Wide(width=6).model_dump()] * 2
    with pytest.raises(InvalidSpec, match=r"has a field 'model\.width'"):
        experiments(KEY, ["unet"], {"model.kind": "fcn", "model.width": "6"})


def test_a_change_that_fits_no_system_or_has_a_bad_value_is_an_error() -> None:
    with pytest.raises(InvalidSpec, match=r"none of these systems has a field 'model\.width'"):
        experiments(KEY, ["baseline"], {"model.width": "5"})
    with pytest.raises(InvalidSpec, match=r"has a field 'fit\.epoch'\. Did you mean 'fit\.epochs'\?"):
        experiments(KEY, ["baseline"], {"fit.epoch": "5"})
    with pytest.raises(InvalidSpec, match=r"kerr-voc2007/unet: model\.width=wide does not fit"):
        experiments(KEY, ["baseline", "unet"], {"model.width": "wide"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model.weights": "nowhere.pth"},
            r"kerr-voc2007/resnet34: model\.weights=nowhere\.pth: there is no such file",
        ),
        ({"data.val_split": "vall"}, r"Did you mean 'val'"),
        ({"watch": '["catt"]'}, r"kerr-voc2007/baseline: no class is called 'catt'"),
    ],
)
def test_errors_of_a_later_system_are_reported_before_the_first_is_trained(
    root: Path, idle: None, change: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidSpec, match=message):
        reproduce(KEY, ["baseline", "resnet34"], change, data_root=root)
    assert not Path("runs").exists()


def test_missing_data_is_reported_with_its_expected_tree(tmp_path: Path, idle: None) -> None:
    with pytest.raises(DatasetNotFound, match="Expected below the data root"):
        reproduce(KEY, data_root=tmp_path)
    assert not Path("runs").exists()
