"""The published numbers are those of the reports, and each system has a recipe."""

import csv
import os
from pathlib import Path

import pytest

from pixelwise.recipes import RECIPES, get
from pixelwise.reporting.published import SUMMARIES, Report, System, published

SYSTEMS = [(key, name) for key, report in published().items() for name in report.systems]

every_report = pytest.mark.parametrize("key", published())
every_system = pytest.mark.parametrize(("key", "name"), SYSTEMS)

Place = tuple[str, str, str, str, str]


def numbers() -> dict[Place, float]:
    """Every number by report, system, data set, split and metric."""
    return {
        (key, name, report.dataset, split, metric): value
        for key, report in published().items()
        for name, system in report.systems.items()
        for split, scores in system.scores.items()
        for metric, value in scores.items()
    }


def metric_of(column: str) -> str:
    """`iou_traffic_sign` is the class "traffic sign" here."""
    return column.removeprefix("iou_").replace("_", " ") if column.startswith("iou_") else column


def test_every_number_is_that_of_an_independent_transcript_and_there_are_no_others() -> None:
    folder = os.environ.get("PIXELWISE_REPORTS")
    if not folder:
        pytest.skip("PIXELWISE_REPORTS names no folder with published.csv, all numbers of the five reports")
    with (Path(folder) / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    transcript = {
        (row["report"], row["system"], row["dataset"], row["split"], metric_of(row["metric"])): float(row["value"])
        for row in rows
    }
    assert len(transcript) == len(rows)
    assert numbers() == transcript


def test_five_reports_have_34_systems_and_164_numbers() -> None:
    assert len(published()) == 5
    assert len(SYSTEMS) == 34
    assert len(numbers()) == 164


def test_scores_lie_between_0_and_1_and_losses_above_0() -> None:
    for place, value in numbers().items():
        assert value > 0 if place[-1] == "loss" else 0 <= value <= 1, place


@every_report
def test_a_report_scores_all_its_systems_by_the_same_metrics(key: str) -> None:
    """They form one table, which includes the split that results are compared with."""
    report = published()[key]
    first, *rest = report.systems.values()
    layout = {split: [*scores] for split, scores in first.scores.items()}
    assert all({split: [*scores] for split, scores in system.scores.items()} == layout for system in rest)
    assert {"mean_iou", "pixel_accuracy"} <= set(layout[report.split]) <= {*SUMMARIES, *report.classes}


@every_report
def test_a_report_has_authors_tables_and_a_protocol(key: str) -> None:
    report = published()[key]
    assert report.title
    assert report.authors
    assert all(report.authors)
    assert "Table" in report.tables
    for text in (report.protocol, *report.notes):
        assert text.endswith(".")
        assert "\n" not in text
        assert "  " not in text
    assert "not stated" in report.protocol


@every_report
def test_a_report_whose_split_is_unstated_has_no_numbers_on_a_named_one(key: str) -> None:
    report = published()[key]
    splits = {split for system in report.systems.values() for split in system.scores}
    assert report.split in splits
    assert splits <= ({"unstated"} if report.split == "unstated" else {"val", "test"})


@every_system
def test_a_system_has_a_recipe_of_its_name_on_the_same_data_set(key: str, name: str) -> None:
    assert f"{key}/{name}" in RECIPES
    assert get(f"{key}/{name}").data.kind == published()[key].dataset


@every_system
def test_the_recipe_of_a_system_watches_the_classes_that_the_report_lists(key: str, name: str) -> None:
    recipe, classes = get(f"{key}/{name}"), published()[key].classes
    assert set(classes) <= set(recipe.data.label_space.names)
    assert not recipe.watch or recipe.watch == classes


@pytest.mark.parametrize(
    ("key", "classes"),
    [
        ("ai-idd", ("road", "sidewalk", "car", "billboard", "sky")),
        ("xiang-cityscapes", ("building", "traffic sign", "person", "car", "bicycle")),
        ("lian-voc2007", ()),
    ],
)
def test_the_classes_of_a_report_are_its_columns_without_the_summaries(key: str, classes: tuple[str, ...]) -> None:
    assert published()[key].classes == classes


def best(report: Report) -> str:
    def mean_iou(system: System) -> float:
        return system.scores[report.split]["mean_iou"]

    return max(report.systems, key=lambda name: mean_iou(report.systems[name]))


def test_pretrained_encoders_are_best_in_every_report() -> None:
    """All five reports conclude this; a number in a wrong row would contradict it."""
    assert {key: best(report) for key, report in published().items()} == {
        "kerr-voc2007": "resnet34",
        "ai-idd": "transfer-deeplabv3",
        "lian-voc2007": "5b-resnet34",
        "xiang-cityscapes": "resnet50-aspp",
        "isayama-voc2012": "resnet34",
    }
