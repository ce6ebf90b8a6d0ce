"""Tables for the terminal."""

from io import StringIO

import numpy as np
from rich.console import Console

from pixelwise.data import Cityscapes
from pixelwise.data.statistics import Statistics
from pixelwise.evaluation.evaluate import SplitCounts, summarize
from pixelwise.metrics.scores import SplitResult
from pixelwise.reporting.tables import scores_table


def evaluated(matrix: np.ndarray, spec: Cityscapes) -> SplitResult:
    number = len(matrix)
    counts = tuple(int(n) for n in matrix.sum(1))
    statistics = Statistics(images=1, pixel_counts=counts, void_pixels=0, mean=(0.5,) * 3, std=(0.2,) * 3)
    evaluation = SplitCounts(["a"], matrix[None].astype(np.int64), 1.0)
    assert spec.label_space.num_classes == number
    return summarize(evaluation, spec, "val", 1, statistics)


def shown(result: SplitResult, width: int = 80) -> list[str]:
    console = Console(width=width, record=True, file=StringIO())
    console.print(scores_table(result))
    return console.export_text().splitlines()


def test_official_scores_and_groups_are_shown_beside_the_plain_ones() -> None:
    """A network of all 34 classes that is correct except for confusions of road and ego vehicle."""
    matrix = np.diag(np.full(34, 100))
    matrix[7, 1] = 100  # half of road predicted as ego vehicle: false negatives, though ego vehicle is not evaluated
    matrix[1, 7] = 300  # ego vehicle predicted as road: no false positives, because its pixels are ignored
    result = evaluated(matrix, Cityscapes(classes="all"))
    assert result.official is not None
    assert result.iou["road"] == 100 / 500
    assert result.official.iou["road"] == 100 / 200
    assert result.official.classes_in_mean == 19
    assert "ego vehicle" not in result.official.iou
    assert result.groups["category"].iou["flat"] == 200 / 300
    text = shown(result)
    assert any("mean IoU, official (19 classes)" in line and "0.9737" in line for line in text)
    assert any("mean IoU, category (7 groups)" in line and "0.9524" in line for line in text)
    assert max(map(len, text)) <= 80


def test_without_ignored_classes_there_is_no_official_line() -> None:
    result = evaluated(np.diag(np.full(19, 5)), Cityscapes())
    assert result.official is None
    assert not any("official" in line for line in shown(result))
