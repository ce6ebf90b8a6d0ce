"""Coverage of the confidence intervals, and differences between equal runs."""

import numpy as np
import pytest

from pixelwise.metrics import confusion
from pixelwise.metrics.bootstrap import compare, mean_iou_interval, seed_variation

K = 3


def made(rng: np.random.Generator, images: int, skill: float) -> np.ndarray:
    """A run on images of differing difficulty, which every run shares."""
    difficulty = np.random.default_rng(7).normal(0, 0.1, images)
    rate = np.clip(skill + difficulty + rng.normal(0, 0.03, images), 0.05, 0.95)
    right = rng.binomial(300, rate)
    matrices = np.zeros((1, images, K, K), np.int64)
    for true in range(K):
        matrices[0, :, true, true] = right
        matrices[0, :, true, (true + 1) % K] = 300 - right
    return matrices


def test_on_the_images_as_they_are_the_difference_is_that_of_the_scores() -> None:
    rng = np.random.default_rng(0)
    first, second = made(rng, 20, 0.6), made(rng, 20, 0.7)
    found = compare(first, second)
    sums = [group[0].sum(0) for group in (first, second)]
    assert found.mean_iou.value == pytest.approx(confusion.mean_iou(sums[1]) - confusion.mean_iou(sums[0]))
    assert found.pixel_accuracy.value == pytest.approx(
        confusion.pixel_accuracy(sums[1]) - confusion.pixel_accuracy(sums[0])
    )
    for name in ("mean_accuracy", "frequency_weighted_iou"):
        score = getattr(confusion, name)
        assert getattr(found, name).value == pytest.approx(score(sums[1]) - score(sums[0]))
    expected = confusion.iou(sums[1]) - confusion.iou(sums[0])
    assert [d.value for d in found.iou] == pytest.approx(list(expected))
    assert found.mean_iou.verdict == "better"
    assert compare(second, first).mean_iou.verdict == "worse"


def test_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    """Runs of a known difference in accuracy, on fresh images each time."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        images = rng.normal(0, 0.1, 60)
        groups = [trained(rng, images, [skill]) for skill in (0.6, 0.63)]
        found = compare(groups[0], groups[1], resamples=400).pixel_accuracy
        held += found.low <= 0.03 <= found.high
    assert 0.9 <= held / 200 <= 0.99


def trained(rng: np.random.Generator, images: np.ndarray, skills: list[float]) -> np.ndarray:
    """Runs of one recipe, each as skilful as its seed made it, on images of a given difficulty."""
    runs = []
    for skill in skills:
        rate = np.clip(skill + images + rng.normal(0, 0.02, len(images)), 0, 1)
        right = rng.binomial(1000, rate)
        matrices = np.zeros((len(images), 2, 2), np.int64)
        matrices[:, 0, 0], matrices[:, 0, 1] = right, 1000 - right
        runs.append(matrices)
    return np.stack(runs)


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 3, 5])
def test_with_seeds_intervals_hold_the_true_difference_of_the_recipes(number: int) -> None:
    """Fresh images and fresh seeds each time; drawing two or three seeds again would hold it far less often."""
    rng = np.random.default_rng(number)
    held = 0
    for _ in range(300):
        images = rng.normal(0, 0.1, 60)
        groups = [trained(rng, images, list(rng.normal(skill, 0.02, number))) for skill in (0.6, 0.63)]
        found = compare(groups[0], groups[1], resamples=400).pixel_accuracy
        held += found.low <= 0.03 <= found.high
    assert 0.92 <= held / 300 <= 0.99


def test_two_seeds_of_one_recipe_are_not_significantly_different() -> None:
    """By their images alone they would be: on the same images, a seed's luck is beyond the images' rng."""
    rng = np.random.default_rng(2)
    with_seeds, by_images = [], []
    for _ in range(50):
        runs = trained(rng, rng.normal(0, 0.1, 60), list(rng.normal(0.6, 0.03, 2)))
        pair = runs[:1], runs[1:]
        with_seeds.append(compare(*pair, seed_variation([runs]), resamples=400).pixel_accuracy.verdict)
        by_images.append(compare(*pair, resamples=400).pixel_accuracy.verdict)
    assert with_seeds.count("cannot tell") == 50
    assert by_images.count("cannot tell") < 25


def test_a_single_run_is_taken_to_vary_as_other_recipes_do() -> None:
    rng = np.random.default_rng(4)
    images = rng.normal(0, 0.1, 60)
    many = trained(rng, images, [0.55, 0.6, 0.65])
    single = trained(rng, images, [0.62])
    variation = seed_variation([many, single])
    assert variation.freedom == 2
    assert variation.deviation[1] == pytest.approx(0.05, rel=0.3)
    assert compare(many, single, variation).pixel_accuracy.verdict == "cannot tell"


def test_a_class_that_never_occurs_has_no_verdict() -> None:
    matrices = np.zeros((1, 4, 2, 2), np.int64)
    matrices[..., 0, 0] = 5
    found = compare(matrices, matrices)
    assert found.iou[1].verdict == "cannot tell"
    assert np.isnan(found.iou[1].value)
    assert found.mean_iou.value == 0


def test_the_same_seed_draws_the_same() -> None:
    rng = np.random.default_rng(3)
    first, second = made(rng, 10, 0.5), made(rng, 10, 0.5)
    assert compare(first, second, seed=4) == compare(first, second, seed=4)
    assert compare(first, second, seed=4) != compare(first, second, seed=5)


def test_a_scores_interval_holds_it_and_is_that_of_drawings_by_hand() -> None:
    matrices = made(np.random.default_rng(3), 30, 0.6)[0]
    low, high = mean_iou_interval(matrices, resamples=4000)
    rng = np.random.default_rng(9)
    drawn = [confusion.mean_iou(matrices[rng.integers(30, size=30)].sum(0)) for _ in range(4000)]
    assert low < confusion.mean_iou(matrices.sum(0)) < high
    assert (low, high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.002)


def test_a_scores_interval_is_narrower_on_more_images_and_a_point_where_all_are_alike() -> None:
    few, many = (np.subtract(*mean_iou_interval(made(np.random.default_rng(3), n, 0.6)[0])) for n in (20, 320))
    assert abs(many) < abs(few) / 2
    alike = np.tile(np.array([[5, 1], [2, 4]]), (7, 1, 1))
    assert mean_iou_interval(alike) == pytest.approx((confusion.mean_iou(alike.sum(0)),) * 2)


def test_a_score_that_no_class_gives_has_no_interval() -> None:
    assert np.isnan(mean_iou_interval(np.zeros((3, 2, 2), np.int64))).all()
