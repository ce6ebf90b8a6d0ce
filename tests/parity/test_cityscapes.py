"""Our scores against Cityscapes' official evaluation, which runs in a virtual environment of its own.

In the official evaluation, pixels whose true class is not evaluated do not count, but a pixel of an evaluated class
that is predicted as one of those is an error. Networks that learn the 34 classes are evaluated in the same way here;
networks that learn the 19 classes cannot make that error.
"""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from pixelwise.core.label_space import LabelSpace
from pixelwise.data import Cityscapes
from pixelwise.metrics import confusion

EVALUATOR = Path(__file__).with_name("cityscapes_evaluator.py")
TRAIN, ALL = Cityscapes().label_space, Cityscapes(classes="all").label_space
IGNORED = [ALL.class_id(name) for name in ALL.ignored_in_evaluation]


class Case(NamedTuple):
    """Pictures of raw ids, and their files."""

    predicted: list[np.ndarray]
    labels: list[np.ndarray]
    files: list[Path]

    def matrix(self, space: LabelSpace) -> confusion.Matrix:
        counts = torch.zeros(space.num_classes, space.num_classes, dtype=torch.int64)
        for predicted, labels in zip(self.predicted, self.labels, strict=True):
            true, found = (torch.from_numpy(space.to_classes(raw)) for raw in (labels, predicted))
            counts += confusion.count(true, found, space.num_classes)
        matrix: confusion.Matrix = counts.numpy()
        return matrix


@pytest.fixture(scope="module")
def python() -> Path:
    given = os.environ.get("PIXELWISE_CITYSCAPES_PYTHON")
    if not given:
        pytest.skip(
            "PIXELWISE_CITYSCAPES_PYTHON names no Python with cityscapesScripts; X/bin/python is one after"
            f" `python -m venv X && X/bin/pip install -r {EVALUATOR.with_name('requirements-cityscapes.txt')}`"
        )
    return Path(given)


def evaluated(python: Path, files: list[Path]) -> dict[str, Any]:
    done = subprocess.run([python, EVALUATOR, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def corrupted(labels: list[np.ndarray], ids: tuple[int, ...], folder: Path, seed: int) -> Case:
    """Predictions in some ids: two in three pixels correct where possible, the rest random."""
    rng = np.random.default_rng(seed)
    predicted, files = [], []
    for i, truth in enumerate(labels):
        right = (rng.random(truth.shape) < 0.66) & np.isin(truth, ids)
        predicted.append(np.where(right, truth, rng.choice(ids, truth.shape)).astype(np.uint8))
        for name, picture in (("predicted", predicted[-1]), ("labels", truth)):
            files.append(folder / f"{i}_{name}.png")
            Image.fromarray(picture).save(files[-1])
    return Case(predicted, labels, files)


def random_labels(absent: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    known = [raw for raw in ALL.raw_ids if raw not in absent]
    return [rng.choice(known, (40, 60)).astype(np.uint8) for _ in range(3)]


def check_34_classes(theirs: dict[str, Any], matrix: confusion.Matrix) -> None:
    iou = confusion.iou(matrix, IGNORED)
    assert iou == pytest.approx([theirs["classScores"][name] for name in ALL.names], abs=1e-9, nan_ok=True)
    assert np.nanmean(iou) == pytest.approx(theirs["averageScoreClasses"], abs=1e-9)
    check_categories(theirs, matrix, ALL, IGNORED)


def check_19_classes(theirs: dict[str, Any], matrix: confusion.Matrix) -> None:
    expected = [theirs["classScores"][name] for name in TRAIN.names]
    assert confusion.iou(matrix) == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert confusion.mean_iou(matrix) == pytest.approx(theirs["averageScoreClasses"], abs=1e-9)
    check_categories(theirs, matrix, TRAIN, [])


def check_categories(theirs: dict[str, Any], matrix: confusion.Matrix, space: LabelSpace, ignored: list[int]) -> None:
    groups = space.groups["category"]
    members = [[space.class_id(name) for name in names] for names in groups.values()]
    values = dict(zip(groups, confusion.group_iou(matrix, members, ignored), strict=True))
    scores = theirs["categoryScores"]
    assert math.isnan(scores["void"])
    assert {*groups, "void"} == set(scores)
    assert [*values.values()] == pytest.approx([scores[name] for name in values], abs=1e-9, nan_ok=True)
    assert np.nanmean([*values.values()]) == pytest.approx(theirs["averageScoreCategories"], abs=1e-9)


def test_names_ids_and_categories_are_the_official_ones(python: Path) -> None:
    table = evaluated(python, [])["labels"]
    assert [label["id"] for label in table] == [*ALL.raw_ids]
    assert [label["name"] for label in table] == [*ALL.names]
    assert [label["name"] for label in table if label["ignoreInEval"]] == [*ALL.ignored_in_evaluation]
    trained = sorted((label["trainId"], label["id"], label["name"]) for label in table if label["trainId"] != 255)
    assert trained == [*zip(range(19), TRAIN.raw_ids, TRAIN.names, strict=True)]
    of = {name: category for category, names in ALL.groups["category"].items() for name in names}
    assert of == {label["name"]: label["category"] for label in table if not label["ignoreInEval"]}
    assert TRAIN.groups == ALL.groups


def test_colors_are_the_official_ones_wherever_those_differ(python: Path) -> None:
    table = evaluated(python, [])["labels"]
    seen: set[tuple[int, ...]] = set()
    for label, ours in zip(table, ALL.colors, strict=True):
        theirs = tuple(label["color"])
        assert (ours == theirs) == (theirs not in seen), "the first with a color keeps it"
        seen.add(theirs)


@pytest.mark.parametrize("absent", [(), (31,), (11, 12, 13)], ids=["every class", "no train", "no construction"])
def test_scores_of_19_classes_are_the_official_ones(python: Path, tmp_path: Path, absent: tuple[int, ...]) -> None:
    """Also where a class, or a whole category, occurs in neither labels nor predictions."""
    ids = tuple(raw for raw in TRAIN.raw_ids if raw not in absent)
    case = corrupted(random_labels(absent), ids, tmp_path, seed=0)
    theirs = evaluated(python, case.files)["scores"]
    check_19_classes(theirs, case.matrix(TRAIN))
    check_34_classes(theirs, case.matrix(ALL))
    assert sum(map(math.isnan, theirs["classScores"].values())) == 15 + len(absent)


def test_scores_of_34_classes_are_the_official_ones(python: Path, tmp_path: Path) -> None:
    """Predictions of classes that are not evaluated lie on evaluated pixels, and the other way round."""
    case = corrupted(random_labels(()), ALL.raw_ids, tmp_path, seed=1)
    matrix = case.matrix(ALL)
    assert np.delete(matrix, IGNORED, 0)[:, IGNORED].any(0).all()
    check_34_classes(evaluated(python, case.files)["scores"], matrix)
    assert np.nanmean(confusion.iou(matrix, IGNORED)) != pytest.approx(confusion.mean_iou(matrix), abs=1e-3)


@pytest.mark.real_data
@pytest.mark.parametrize("space", [TRAIN, ALL], ids=["19", "34"])
def test_scores_on_real_labels_are_the_official_ones(
    python: Path, real_data: Path, tmp_path: Path, space: LabelSpace
) -> None:
    split = Cityscapes(classes="all").build("train", real_data)
    labels = [split[i].labels.numpy().astype(np.uint8) for i in range(len(split))]
    case = corrupted(labels, space.raw_ids, tmp_path, seed=2)
    theirs = evaluated(python, case.files)["scores"]
    check_34_classes(theirs, case.matrix(ALL))
    if space is TRAIN:
        check_19_classes(theirs, case.matrix(TRAIN))
