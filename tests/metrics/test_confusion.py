"""The confusion matrix counts, and scores follow from it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixelwise.core.label_space import IGNORE
from pixelwise.metrics import confusion

K = 5
Pairs = list[tuple[int, int]]
"""True and predicted class of each pixel."""

pixels = st.lists(st.tuples(st.sampled_from([*range(K), IGNORE]), st.integers(0, K - 1)), max_size=60)
matrices = st.lists(st.integers(0, 9), min_size=K * K, max_size=K * K).map(lambda v: np.array(v).reshape(K, K))


def counted(pairs: Pairs) -> confusion.Matrix:
    table = torch.tensor(pairs, dtype=torch.uint8).reshape(-1, 2)
    matrix: confusion.Matrix = confusion.count(table[:, 0], table[:, 1].long(), K).numpy()
    return matrix


def matrix(*rows: tuple[int, ...]) -> confusion.Matrix:
    return np.array(rows, dtype=np.int64)


@given(pairs=pixels)
def test_counts_are_those_of_counting_pixel_by_pixel(pairs: Pairs) -> None:
    expected = np.zeros((K, K), np.int64)
    for true, predicted in pairs:
        if true != IGNORE:
            expected[true, predicted] += 1
    assert np.array_equal(counted(pairs), expected)


@given(a=pixels, b=pixels)
def test_matrices_of_images_add_up_to_that_of_the_split(a: Pairs, b: Pairs) -> None:
    assert np.array_equal(counted(a) + counted(b), counted(a + b))


@given(pairs=pixels)
def test_iou_is_intersection_over_union_of_sets_of_pixels(pairs: Pairs) -> None:
    valid = [(i, true, predicted) for i, (true, predicted) in enumerate(pairs) if true != IGNORE]
    for class_id, iou in enumerate(confusion.iou(counted(pairs))):
        is_true = {i for i, true, _ in valid if true == class_id}
        is_predicted = {i for i, _, predicted in valid if predicted == class_id}
        union = is_true | is_predicted
        expected = len(is_true & is_predicted) / len(union) if union else math.nan
        assert iou == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_predicted_class_is_the_first_of_the_largest(dtype: torch.dtype, layout: torch.memory_format) -> None:
    draws = torch.randint(0, 3, (2, 7, 9, 11), generator=torch.Generator().manual_seed(0))  # hence many equal ones
    logits = (draws.double() - 1).to(dtype).contiguous(memory_format=layout)
    logits[0, 3, 0, 0], logits[0, :, 0, 1] = torch.inf, -torch.inf
    expected = np.argmax(logits.float().numpy(), axis=1)  # the first, by NumPy's own words
    assert np.array_equal(confusion.predicted(logits).numpy(), expected)
    assert np.array_equal(confusion.predicted(logits[1]).numpy(), expected[1])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64], ids=str)
def test_labels_of_every_width_count_alike(dtype: torch.dtype) -> None:
    """A hundred classes: in uint8 the number of a pair would wrap around."""
    labels = torch.tensor([[99, 0, IGNORE], [50, 99, 7]])
    predicted = torch.tensor([[99, 1, 3], [49, 99, 7]])
    counts = confusion.count(labels.to(dtype), predicted.to(dtype), 100)
    assert {tuple(pair): int(counts[*pair]) for pair in counts.nonzero().tolist()} == {
        (99, 99): 2, (0, 1): 1, (50, 49): 1, (7, 7): 1,
    }  # fmt: skip


def test_a_class_with_an_empty_union_is_nan_and_leaves_the_mean() -> None:
    given = matrix((3, 1, 0), (0, 4, 0), (0, 0, 0))
    assert confusion.iou(given) == pytest.approx([3 / 4, 4 / 5, math.nan], nan_ok=True)
    assert confusion.mean_iou(given) == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert confusion.classes_in_mean(given) == 2


def test_a_class_that_is_predicted_but_never_true_counts_0() -> None:
    given = matrix((3, 0, 1), (0, 4, 0), (0, 0, 0))
    assert confusion.iou(given) == pytest.approx([3 / 4, 1, 0])
    assert confusion.mean_iou(given) == pytest.approx((3 / 4 + 1) / 3)
    assert confusion.classes_in_mean(given) == 3
    assert confusion.mean_accuracy(given) == pytest.approx((3 / 4 + 1) / 2)  # there it is not asked for


def test_scores_of_a_small_matrix_by_hand() -> None:
    given = matrix((6, 2), (1, 1))
    assert confusion.iou(given) == pytest.approx([6 / 9, 1 / 4])
    assert confusion.pixel_accuracy(given) == pytest.approx(7 / 10)
    assert confusion.mean_accuracy(given) == pytest.approx((6 / 8 + 1 / 2) / 2)
    assert confusion.frequency_weighted_iou(given) == pytest.approx(0.8 * 6 / 9 + 0.2 * 1 / 4)


def test_without_a_valid_pixel_every_score_is_nan() -> None:
    nothing = counted([(IGNORE, 2), (IGNORE, 0)])
    assert not nothing.any()
    assert confusion.classes_in_mean(nothing) == 0
    for score in (
        confusion.mean_iou, confusion.pixel_accuracy, confusion.mean_accuracy, confusion.frequency_weighted_iou,
    ):  # fmt: skip
        assert math.isnan(score(nothing))


@given(pairs=pixels.filter(lambda pairs: any(true != IGNORE for true, _ in pairs)))
def test_a_perfect_prediction_gives_1(pairs: Pairs) -> None:
    perfect = counted([(true, true if true != IGNORE else 0) for true, _ in pairs])
    assert confusion.mean_iou(perfect) == confusion.pixel_accuracy(perfect) == confusion.mean_accuracy(perfect) == 1
    assert confusion.frequency_weighted_iou(perfect) == pytest.approx(1)
    assert confusion.classes_in_mean(perfect) == len({true for true, _ in pairs} - {IGNORE})


@given(pairs=pixels, class_id=st.integers(0, K - 1))
def test_the_constant_predictor_is_that_of_counting_its_prediction(pairs: Pairs, class_id: int) -> None:
    constant = counted([(true, class_id) for true, _ in pairs])
    assert np.array_equal(confusion.constant_predictor(counted(pairs), class_id), constant)


@given(given=matrices.filter(np.any), order=st.permutations(range(K)))
def test_the_numbering_of_the_classes_changes_no_mean(given: confusion.Matrix, order: list[int]) -> None:
    renamed = given[np.ix_(order, order)]
    assert confusion.iou(renamed) == pytest.approx(confusion.iou(given)[order], nan_ok=True)
    assert confusion.mean_iou(renamed) == pytest.approx(confusion.mean_iou(given))
    assert confusion.frequency_weighted_iou(renamed) == pytest.approx(confusion.frequency_weighted_iou(given))


@given(given=matrices.filter(np.any))
def test_scores_lie_between_0_and_1_and_iou_below_accuracy(given: confusion.Matrix) -> None:
    weighted, accuracy = confusion.frequency_weighted_iou(given), confusion.pixel_accuracy(given)
    assert 0 <= weighted <= accuracy + 1e-12 <= 1 + 2e-12
    assert 0 <= confusion.mean_iou(given) <= 1


def test_more_pixels_than_32_bits_hold_stay_exact() -> None:
    """All of Cityscapes has 6e9 labelled pixels; one more still counts, where fp32 would have lost it."""
    labels = torch.tensor([0, 0, 1])
    one = confusion.count(labels, torch.tensor([0, 1, 1]), 2)
    assert one.dtype == torch.int64
    split = (one * 2**33 + confusion.count(labels, labels, 2)).numpy()
    assert split.tolist() == [[2**33 + 2, 2**33], [0, 2**33 + 1]]
    union = 2 * 2**33 + 2
    assert confusion.iou(split)[0] == (2**33 + 2) / union
    assert confusion.constant_predictor(split, 1).tolist() == [[0, 2**34 + 2], [0, 2**33 + 1]]


ignored_classes = st.sets(st.integers(0, K - 1), max_size=K - 1).map(sorted)
groupings = st.lists(st.integers(0, 3), min_size=K, max_size=K).map(
    lambda group_of: [[i for i in range(K) if group_of[i] == group] for group in sorted(set(group_of))]
)
"""Every class in one of up to four groups."""


@given(given=matrices)
def test_groups_of_single_classes_are_the_classes(given: confusion.Matrix) -> None:
    expected = confusion.iou(given)
    assert confusion.iou(given, []) == pytest.approx(expected, nan_ok=True)
    assert confusion.group_iou(given, [[i] for i in range(K)]) == pytest.approx(expected, nan_ok=True)


@given(given=matrices.filter(np.any))
def test_one_group_of_all_classes_is_always_right(given: confusion.Matrix) -> None:
    assert confusion.group_iou(given, [[*range(K)]]).tolist() == [1]


@given(pairs=pixels, groups=groupings)
def test_a_group_is_what_renaming_its_members_before_counting_gives(pairs: Pairs, groups: list[list[int]]) -> None:
    name = {member: number for number, group in enumerate(groups) for member in group} | {IGNORE: IGNORE}
    merged = counted([(name[true], name[predicted]) for true, predicted in pairs])
    expected = confusion.iou(merged)[: len(groups)]
    assert confusion.group_iou(counted(pairs), groups) == pytest.approx(expected, nan_ok=True)


@given(pairs=pixels, ignored=ignored_classes)
def test_an_ignored_class_is_void_where_it_is_true_and_a_miss_where_it_is_predicted(
    pairs: Pairs, ignored: list[int]
) -> None:
    """Cityscapes' rule. The classes that are evaluated see pixels that none of them was given."""
    nothing = K
    seen = [(t, nothing if p in ignored else p) for t, p in pairs if t != IGNORE and t not in ignored]
    expected = []
    for class_id in range(K):
        hit = sum(t == p == class_id for t, p in seen)
        union = sum(class_id in pair for pair in seen)
        expected.append(hit / union if union and class_id not in ignored else math.nan)
    assert confusion.iou(counted(pairs), ignored) == pytest.approx(expected, nan_ok=True)


@given(given=matrices, groups=groupings, ignored=ignored_classes)
def test_an_ignored_class_is_in_no_group(given: confusion.Matrix, groups: list[list[int]], ignored: list[int]) -> None:
    without = [[i for i in group if i not in ignored] for group in groups]
    expected = confusion.group_iou(given, without, ignored)
    assert confusion.group_iou(given, groups, ignored) == pytest.approx(expected, nan_ok=True)
    assert np.isnan(expected[[not group for group in without]]).all()


@given(given=matrices, ignored=ignored_classes)
def test_scores_leave_their_matrix_as_it_was(given: confusion.Matrix, ignored: list[int]) -> None:
    before = given.copy()
    confusion.iou(given, ignored)
    assert np.array_equal(given, before)


def test_groups_and_ignored_classes_of_a_small_matrix_by_hand() -> None:
    """Car and bus are vehicles; the ground is ignored."""
    given = matrix((6, 2, 1, 0), (1, 1, 0, 1), (0, 1, 5, 2), (3, 0, 4, 9))  # car, bus, sky, ground
    assert confusion.iou(given, [3]) == pytest.approx([6 / 10, 1 / 6, 5 / 9, math.nan], nan_ok=True)
    assert confusion.group_iou(given, [[0, 1], [2, 3]], [3]) == pytest.approx([10 / 13, 5 / 9])
