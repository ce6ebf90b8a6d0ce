"""Intervals cover what they say, and equal runs cannot be told apart."""

import numpy as np
import pytest

from pixelwise.metrics import confusion
from pixelwise.metrics.bootstrap import compare

K = 3


def made(chance: np.random.Generator, images: int, skill: float, seeds: int = 1, noise: float = 0.0) -> np.ndarray:
    """Images of differing difficulty, which every run shares; each seed has a skill of its own."""
    difficulty = np.random.default_rng(7).normal(0, 0.1, images)
    runs = []
    for _ in range(seeds):
        rate = np.clip(skill + chance.normal(0, noise) + difficulty + chance.normal(0, 0.03, images), 0.05, 0.95)
        right = chance.binomial(300, rate)
        matrices = np.zeros((images, K, K), np.int64)
        for true in range(K):
            matrices[:, true, true] = right
            matrices[:, true, (true + 1) % K] = 300 - right
        runs.append(matrices)
    return np.stack(runs)


def test_on_the_images_as_they_are_the_difference_is_that_of_the_scores() -> None:
    chance = np.random.default_rng(0)
    first, second = made(chance, 20, 0.6), made(chance, 20, 0.7)
    found = compare(first, second)
    sums = [group[0].sum(0) for group in (first, second)]
    assert found.mean_iou.value == pytest.approx(confusion.mean_iou(sums[1]) - confusion.mean_iou(sums[0]))
    assert found.pixel_accuracy.value == pytest.approx(
        confusion.pixel_accuracy(sums[1]) - confusion.pixel_accuracy(sums[0])
    )
    expected = confusion.iou(sums[1]) - confusion.iou(sums[0])
    assert [d.value for d in found.iou] == pytest.approx(list(expected))
    assert found.mean_iou.verdict == "better"
    assert compare(second, first).mean_iou.verdict == "worse"


def test_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    """Runs of a known difference in accuracy, on fresh images each time."""
    chance = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        images = 60
        difficulty = chance.normal(0, 0.1, images)
        groups = []
        for skill in (0.6, 0.63):
            rate = np.clip(skill + difficulty + chance.normal(0, 0.03, images), 0, 1)
            right = chance.binomial(1000, rate)
            matrices = np.zeros((1, images, 2, 2), np.int64)
            matrices[0, :, 0, 0], matrices[0, :, 0, 1] = right, 1000 - right
            groups.append(matrices)
        found = compare(groups[0], groups[1], resamples=400).pixel_accuracy
        held += found.low <= 0.03 <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_seeds_of_one_recipe_cannot_be_told_apart() -> None:
    """With several seeds in each group; by images alone, most pairs of single seeds would seem to differ."""
    chance = np.random.default_rng(2)
    told = [
        compare(made(chance, 40, 0.6, 3, 0.03), made(chance, 40, 0.6, 3, 0.03), resamples=300).mean_iou.verdict
        for _ in range(60)
    ]
    assert told.count("cannot tell") >= 42


def test_a_class_that_never_occurs_cannot_be_told() -> None:
    matrices = np.zeros((1, 4, 2, 2), np.int64)
    matrices[..., 0, 0] = 5
    found = compare(matrices, matrices)
    assert found.iou[1].verdict == "cannot tell"
    assert np.isnan(found.iou[1].value)
    assert found.mean_iou.value == 0


def test_the_same_seed_draws_the_same() -> None:
    chance = np.random.default_rng(3)
    first, second = made(chance, 10, 0.5), made(chance, 10, 0.5)
    assert compare(first, second, seed=4) == compare(first, second, seed=4)
    assert compare(first, second, seed=4) != compare(first, second, seed=5)
