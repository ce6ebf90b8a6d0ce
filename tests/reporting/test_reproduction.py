"""Tables of reports: published numbers, numbers of the runs, and their differences."""

import json
import struct
from base64 import b64decode
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from pixelwise import recipes
from pixelwise.core.machine import Machine
from pixelwise.data import IddLite, Shapes
from pixelwise.data.statistics import Statistics
from pixelwise.evaluation.evaluate import SplitCounts, summarize
from pixelwise.experiment import EarlyStop, Experiment
from pixelwise.metrics.scores import EpochRecord
from pixelwise.reporting.changes import changes, leaves
from pixelwise.reporting.pages import html, markdown, number, signed, summary_table
from pixelwise.reporting.published import Report, published
from pixelwise.reporting.reproduction import Picture, Reproduction, SystemRun, compare_with_published
from pixelwise.run import Run
from pixelwise.run.environment import Environment

KERR = published()["kerr-voc2007"]
AI = published()["ai-idd"]


def trained(
    folder: Path, experiment: Experiment, splits: tuple[str, ...] = ("val", "test"), epochs: int = 7, images: int = 209
) -> Run:
    """A run folder as after a training; nine of ten pixels of each class are correct."""
    space = experiment.data.label_space
    classes = space.num_classes
    statistics = Statistics(
        images=images, pixel_counts=(90, *[10] * (classes - 1)), void_pixels=0, mean=(0.5,) * 3, std=(0.2,) * 3
    )
    run = Run.create(folder, experiment, environment(statistics))
    for epoch in range(1, epochs + 1):
        run.append_history(
            EpochRecord(
                epoch=epoch,
                lr=0.1,
                train_loss=1,
                train_mean_iou=0,
                train_pixel_accuracy=0,
                val_loss=1,
                val_mean_iou=0,
                val_pixel_accuracy=0,
                val_iou={},
                best=epoch == 3,
                seconds=1,
                images_per_second=1,
            )
        )
    matrix = 9 * np.eye(classes, dtype=np.int64) + np.roll(np.eye(classes, dtype=np.int64), 1, axis=1)
    for split in splits:
        size = experiment.data.published_sizes.get(split, 2)
        evaluation = SplitCounts([str(i) for i in range(size)], np.stack([matrix] * size), 1.5)
        result = summarize(evaluation, experiment.data, split, 3, statistics)
        run.add_result(result, evaluation.ids, evaluation.matrices)
    Image.new("RGB", (20, 12)).save(run.curves)
    return run


def environment(statistics: Statistics) -> Environment:
    machine = Machine(device="cpu", precision="fp32", threads=1, workers=0)
    versions = dict.fromkeys(("python", "pixelwise", "torch", "torchvision", "numpy", "Pillow"), "1.0")
    return Environment(
        machine=machine, statistics=statistics, platform="test", processor="test", cores=1, **versions
    )  # fmt: skip


def recipe(name: str) -> dict[str, Any]:
    experiment: dict[str, Any] = json.loads(recipes.get(name).to_json())
    return experiment


def table(
    tmp_path: Path, name: str, experiment: Experiment, report: Report, evaluated: Any, **how: Any
) -> Reproduction:
    """The table of a report of which one system was run."""
    system = name.split("/")[1]
    run = trained(tmp_path / system, experiment, **how)
    return compare_with_published(
        name.split("/")[0], report, [SystemRun(system, run, recipe(name), evaluated)], tmp_path
    )


def differences(tmp_path: Path, name: str, experiment: Experiment, evaluated: Any, **how: Any) -> list[str]:
    result = table(tmp_path, name, experiment, published()[name.split("/")[0]], evaluated, **how)
    (row,) = result.measured
    return list(row.differences)


@pytest.fixture
def kerr(tmp_path: Path) -> Reproduction:
    """Run of the recipe kerr-voc2007/baseline."""
    plain = recipes.get("kerr-voc2007/baseline")
    result = table(tmp_path, "kerr-voc2007/baseline", plain, KERR, {"test": "test"}, epochs=100)
    return result.replace(pictures=(Picture(caption="all together", file="baseline/curves.png"),))


def test_a_run_of_the_recipe_itself_has_no_differences(kerr: Reproduction) -> None:
    assert kerr.rows[0].differences == ()
    assert kerr.rows[0].trained == "epoch 3 of 100, 224×224, batch 16"


def test_the_table_has_every_published_number_and_the_numbers_of_the_runs(kerr: Reproduction, tmp_path: Path) -> None:
    evaluated = Run.open(tmp_path / "baseline").results()["test"]
    assert [row.system for row in kerr.rows] == list(KERR.systems)
    for row in kerr.rows:
        assert {v.metric: v.published for v in row.values} == KERR.systems[row.system].scores["test"]
    by_metric = {v.metric: v for v in kerr.rows[0].values}
    assert by_metric["mean_iou"].measured == evaluated.mean_iou
    assert by_metric["pixel_accuracy"].measured == evaluated.pixel_accuracy == pytest.approx(0.9)
    assert by_metric["pixel_accuracy"].difference == pytest.approx(0.9 - 0.749)
    assert kerr.rows[0].iou == evaluated.iou
    for row in kerr.rows[1:]:
        assert row.run is None
        assert all(v.measured is None and v.difference is None for v in row.values)
    (majority_baseline,) = kerr.majority_baseline.items()
    assert majority_baseline[0] == "all background"
    assert [v.measured for v in majority_baseline[1]] == [
        evaluated.majority_baseline.mean_iou,
        evaluated.majority_baseline.pixel_accuracy,
    ]
    assert Reproduction.from_json(kerr.to_json()) == kerr


def test_fields_that_were_changed_are_named_with_both_values(tmp_path: Path) -> None:
    experiment = recipes.get("kerr-voc2007/resnet34").with_values(
        {"model.weights": "none", "model.frozen": "false", "fit.seed": "4", "augment.crop": "[64,96]",
         "fit.early_stop": "none", "loss.class_weights": "none", "watch": '["cat"]', "fit.workers": "0",
         "fit.device": "cpu"}
    )  # fmt: skip
    assert differences(tmp_path, "kerr-voc2007/resnet34", experiment, {"test": "test"}, epochs=100) == [
        "trained from scratch, not from pretrained weights",
        "model.frozen: true → false",
        "loss.class_weights: inverse → none",
        "augment.crop: none → [64,96]",
        'fit.early_stop: {"monitor":"val_loss","patience":10} → none',
        "fit.seed: 0 → 4",
    ]


def test_a_network_of_another_kind_is_shown_with_the_fields_that_only_it_has(tmp_path: Path) -> None:
    experiment = recipes.get("kerr-voc2007/baseline").with_values({"model.kind": "unet", "model.norm": "none"})
    found = differences(tmp_path, "kerr-voc2007/baseline", experiment, {"test": "test"}, epochs=100)
    assert found[:2] == ["model.kind: fcn → unet", "model.norm: – → none"]


def test_subsets_short_and_stopped_training_and_the_split_are_differences(tmp_path: Path) -> None:
    plain = recipes.get("ai-idd/baseline")
    assert differences(tmp_path / "a", "ai-idd/baseline", plain, {"unstated": "val"}, splits=("val",), images=9) == [
        "trained on a subset of 9 of 6993 images",
        "evaluated on val: the report names no split",
        "early stop after 7 of 20 epochs",
    ]
    kerr = recipes.get("kerr-voc2007/baseline")
    kerr = kerr.replace(fit=kerr.fit.replace(early_stop=EarlyStop(patience=3)))
    assert differences(tmp_path / "b", "kerr-voc2007/baseline", kerr, {"test": "val"}, splits=("val",), epochs=4) == [
        "fit.early_stop.patience: 10 → 3",
        "evaluated on val instead of test",
        "early stop after 4 of 100 epochs",
        "under-trained: 4 epochs",
    ]


def test_a_time_budget_is_no_early_stop(tmp_path: Path) -> None:
    timed = recipes.get("kerr-voc2007/baseline").with_values({"fit.minutes": "9"})
    assert differences(tmp_path, "kerr-voc2007/baseline", timed, {"test": "test"}, epochs=7) == [
        "fit.minutes: none → 9.0"
    ]


def test_a_subset_is_named_with_its_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(tmp_path / "baseline", recipes.get("kerr-voc2007/baseline"), ("test",), epochs=100)
    file = run.path / "result.json"
    file.write_text(file.read_text().replace('"images": 210', '"images": 56'))
    system_run = SystemRun("baseline", Run.open(run.path), recipe("kerr-voc2007/baseline"), {"test": "test"})
    result = compare_with_published("kerr-voc2007", KERR, [system_run], tmp_path)
    assert result.rows[0].differences == ("evaluated on a subset of 56 of 210 images of test",)


@pytest.mark.parametrize("data", [IddLite(), Shapes(size=(32, 32))])
def test_another_data_set_is_named_once_and_its_missing_classes_are_undefined(tmp_path: Path, data: Any) -> None:
    experiment = recipes.get("ai-idd/baseline").replace(data=data, watch=())
    result = table(
        tmp_path, "ai-idd/baseline", experiment, AI, {"unstated": "val"}, splits=("val",), epochs=20, images=1403
    )
    (row,) = result.measured
    assert row.differences == (f"data set {data.kind}, not idd", "evaluated on val: the report names no split")
    measured = {v.metric: v.measured for v in row.values}
    known = set(data.label_space.names)
    for name in AI.classes:
        assert (measured[name] is not None) == (name in known), name
    assert "–" in markdown(result)


def test_a_class_with_the_name_of_a_score_is_a_class(tmp_path: Path) -> None:
    scores = {"val": {"mean_iou": 0.5, "iou": 0.25}}
    odd = KERR.replace(split="val", systems={"baseline": {"printed": "B", "scores": scores}})
    plain = recipes.get("kerr-voc2007/baseline")
    result = table(tmp_path, "kerr-voc2007/baseline", plain, odd, {"val": "val"}, epochs=100)
    assert [v.measured is None for v in result.rows[0].values] == [False, True]


def test_shared_differences_are_listed_once_above_the_table(tmp_path: Path) -> None:
    runs = []
    for system, changed in (("baseline", {}), ("unet", {"fit.seed": "9"})):
        experiment = recipes.get(f"kerr-voc2007/{system}").with_values({"fit.grad_clip_norm": "1", **changed})
        run = trained(tmp_path / system, experiment, epochs=100)
        runs.append(SystemRun(system, run, recipe(f"kerr-voc2007/{system}"), {"test": "test"}))
    result = compare_with_published("kerr-voc2007", KERR, runs, tmp_path)
    assert result.shared_differences == ["fit.grad_clip_norm: none → 1.0"]
    for text in (markdown(result), html(result, tmp_path)):
        assert text.count("fit.grad_clip_norm: none → 1.0") == 1
        assert text.count("fit.seed: 0 → 9") == 1
        assert text.index("fit.grad_clip_norm") < text.index("fit.seed")
    alone = compare_with_published("kerr-voc2007", KERR, runs[:1], tmp_path)
    assert alone.shared_differences == [], "with a single system, all differences are in its row"


def test_a_system_without_published_numbers_follows_the_table(tmp_path: Path) -> None:
    run = trained(tmp_path / "dice", recipes.get("kerr-voc2007/dice"), epochs=100)
    system_run = SystemRun("dice", run, recipe("kerr-voc2007/dice"), {"test": "test"})
    result = compare_with_published("kerr-voc2007", KERR, [system_run], tmp_path)
    assert [row.system for row in result.rows] == [*KERR.systems, "dice"]
    assert all(v.published is None and v.difference is None and v.measured for v in result.rows[-1].values)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").replace("\\|", "¦").split("|")]


def test_the_markdown_table_has_the_numbers_to_four_digits(kerr: Reproduction) -> None:
    lines = [line for line in markdown(kerr).splitlines() if line.startswith("|")]
    head, rule, baseline, *others = (cells(line) for line in lines)
    assert {len(row) for row in (head, rule, baseline, *others)} == {9}
    iou, accuracy = (v for v in kerr.rows[0].values)
    assert baseline[:4] == ["baseline", "*0.0365*", number(iou.measured), signed(iou.difference)]
    assert baseline[4:7] == ["*0.7490*", "0.9000", "+0.1510"]
    assert baseline[-1] == "[baseline](baseline), epoch 3 of 100, 224×224, batch 16"
    assert [row[0] for row in others] == [*list(KERR.systems)[1:], "all background"]
    assert others[0][1:4] == ["*0.0177*", "–", "–"]
    assert others[0][-1] == "not run"
    assert accuracy.measured == pytest.approx(0.9)


class Checked(HTMLParser):
    """Reads a page and fails where a tag is not closed or closes another."""

    void = frozenset({"meta", "img", "br", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page(result: Reproduction, folder: Path) -> Checked:
    checked = Checked()
    checked.feed(html(result, folder))
    checked.close()
    assert checked.open == []
    return checked


def test_the_page_is_well_formed_and_needs_nothing_beside_it(kerr: Reproduction, tmp_path: Path) -> None:
    found = page(kerr, tmp_path)
    names = [tag for tag, _ in found.tags]
    assert "script" not in names
    assert "link" not in names
    pictures = [attributes for tag, attributes in found.tags if tag == "img"]
    assert len(pictures) == len(kerr.pictures) + len(kerr.measured)
    for attributes in pictures:
        kind, _, content = (attributes["src"] or "").partition(",")
        assert kind == "data:image/png;base64"
        raw = b64decode(content, validate=True)
        assert struct.unpack(">8s4x4s", raw[:16]) == (b"\x89PNG\r\n\x1a\n", b"IHDR")
        assert attributes["alt"]
    targets = [value for _, attributes in found.tags for key, value in attributes.items() if key in ("src", "href")]
    assert not [target for target in targets if not (target or "").startswith("data:")]
    assert "@import" not in html(kerr, tmp_path)
    assert "url(" not in html(kerr, tmp_path)


def test_published_and_measured_numbers_are_marked_in_every_cell(kerr: Reproduction, tmp_path: Path) -> None:
    found = page(kerr, tmp_path)
    kinds = [a["class"] for tag, a in found.tags if tag == "span" and a.get("class") in ("measured", "published")]
    numbers = len(KERR.systems) * 2
    assert kinds.count("published") == numbers + 1, "and once in the key"
    assert kinds.count("measured") == 2 + 2 + 1, "the system that was run, the majority baseline, the key"


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    evil = '<script>alert("x|y")</script>'
    odd = KERR.replace(title=evil, notes=(evil,), authors=(evil,), protocol=evil)
    experiment = recipes.get("kerr-voc2007/baseline").with_values({"model": "fcn"})
    result = table(tmp_path, "kerr-voc2007/baseline", experiment, odd, {"test": "test"}, epochs=100)
    row = result.rows[0].replace(differences=(evil,))
    result = result.replace(
        rows=(row, *result.rows[1:]), majority_baseline={evil: result.majority_baseline["all background"]}
    )
    found = page(result, tmp_path)
    assert "script" not in [tag for tag, _ in found.tags]
    assert found.texts.count(evil) >= 4
    text = markdown(result)
    assert "<script" not in text
    tables = [cells(line) for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in tables}) == 1, "a bar in a name ends no cell"


def test_the_terminal_shows_mean_iou_of_the_reports_split(kerr: Reproduction) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(summary_table(kerr))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    (iou, _) = kerr.rows[0].values
    assert f"baseline 0.0365 {number(iou.measured)} {signed(iou.difference)}" in lines
    assert "unet 0.0225 – –" in lines
    assert any(line.startswith("all background – 0.0") for line in lines)


def test_changes_are_exactly_the_changed_fields() -> None:
    for name in ("kerr-voc2007/resnet34", "ai-idd/unet"):
        plain = recipe(name)
        assert changes(plain, plain) == {}
        for path, value in leaves(plain).items():
            if path not in ("data.kind", "model.kind"):
                other = json.loads(json.dumps(plain))
                node = other
                for step in path.split(".")[:-1]:
                    node = node[step]
                node[path.split(".")[-1]] = "another"
                assert list(changes(plain, other)) == [path], value


def test_a_component_that_is_added_or_removed_is_a_change() -> None:
    off = {"fit": {"early_stop": None, "epochs": 2}}
    on = {"fit": {"early_stop": {"patience": 3}, "epochs": 2}}
    assert changes(off, on) == {"fit.early_stop.patience": ("none", "3")}
    assert changes(on, off) == {"fit.early_stop": ('{"patience":3}', "none")}
