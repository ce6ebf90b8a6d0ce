"""Class weights from pixel counts, each scheme as its source states it."""

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixelwise.losses.weights import Scheme, class_weights

IDD = (
    2198453584, 519609102, 28929892, 126362539, 58804972, 59032134, 94293190, 2569952, 101519794, 163659019, 105075839,
    47400301, 30998126, 133835645, 135950687, 41339482, 15989829, 104795610, 8062798, 450973, 94820222, 341805135,
    557016609, 71159311, 1465165566, 1823922767, 2775322,
)  # fmt: skip
"""Pixels of each class that report ai-idd prints."""

counts = st.lists(st.integers(0, 2**40), min_size=2, max_size=30).filter(any).map(torch.tensor)
weighing = pytest.mark.parametrize("scheme", [s for s in get_args(Scheme) if s != "none"])
by_share = pytest.mark.parametrize("scheme", ["inverse", "root_inverse", "complement"])


def test_inverse_is_one_over_the_share_of_the_pixels() -> None:
    weights = class_weights("inverse", torch.tensor([80, 15, 5]))
    torch.testing.assert_close(weights, torch.tensor([1 / 0.8, 1 / 0.15, 1 / 0.05]))


def test_root_inverse_lies_between_none_and_inverse() -> None:
    weights = class_weights("root_inverse", torch.tensor([64, 32, 4]))
    torch.testing.assert_close(weights, torch.tensor([1 / 0.8, 1 / 0.32**0.5, 1 / 0.2]))


def test_complement_is_one_minus_the_share_of_the_pixels() -> None:
    weights = class_weights("complement", torch.tensor([80, 15, 5]))
    torch.testing.assert_close(weights, torch.tensor([0.2, 0.85, 0.95]))


def test_complement_follows_the_rule_of_ai_idd_on_its_own_counts() -> None:
    """Whose pixels are those of exactly 4019 images: the sum does not fit into 32 bits."""
    assert sum(IDD) == 4019 * 1920 * 1080
    rule = [1 - n / sum(IDD) for n in IDD]
    torch.testing.assert_close(class_weights("complement", torch.tensor(IDD)), torch.tensor(rule))


def test_two_minus_inverse_is_of_pixels_not_of_shares_and_background_is_0_15() -> None:
    """As the report states it: with the pixels of a real split it is 2 for every class but background."""
    torch.testing.assert_close(
        class_weights("two_minus_inverse", torch.tensor([80, 4, 1, 0])), torch.tensor([0.15, 1.75, 1, 0])
    )


def test_background_alone_is_weighted_down() -> None:
    torch.testing.assert_close(class_weights("background", torch.tensor([3, 80, 0])), torch.tensor([1, 0.1, 0]))


def test_inverse_makes_all_classes_weigh_the_same_in_the_whole_split() -> None:
    weights = class_weights("inverse", torch.tensor(IDD))
    assert weights is not None
    torch.testing.assert_close(weights.double() * torch.tensor(IDD), torch.full((27,), float(sum(IDD))).double())


def test_without_a_scheme_there_are_no_weights() -> None:
    assert class_weights("none", torch.tensor([3, 0])) is None


@weighing
@given(pixels=counts)
def test_a_weight_is_0_exactly_where_a_class_has_no_pixel(scheme: Scheme, pixels: torch.Tensor) -> None:
    """Or, by `complement`, where it has all of them."""
    weights = class_weights(scheme, pixels)
    assert weights is not None
    assert weights.dtype == torch.float32
    assert weights.isfinite().all()
    without = (pixels == 0) | ((pixels == pixels.sum()) & (scheme == "complement"))
    assert torch.equal(weights == 0, without)


@by_share
@given(pixels=counts, factor=st.integers(2, 1000))
def test_only_the_shares_count_not_the_size_of_the_split(scheme: Scheme, pixels: torch.Tensor, factor: int) -> None:
    torch.testing.assert_close(class_weights(scheme, pixels), class_weights(scheme, factor * pixels))


@by_share
@given(pixels=counts)
def test_a_rarer_class_never_weighs_less(scheme: Scheme, pixels: torch.Tensor) -> None:
    weights = class_weights(scheme, pixels)
    assert weights is not None
    by_size = weights[pixels.argsort()][(pixels == 0).sum() :]
    assert (by_size.diff() <= 0).all()
