"""Dice by its definition: of all classes together, class by class, and as two reports print it."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.losses import Dice
from pixelwise.losses.dice import DiceLoss, Form

K = 4
WEIGHTS = torch.tensor([0.15, 1.9, 0.0, 7.0])
every_form = pytest.mark.parametrize("form", get_args(Form))


def case(seed: int = 3, scale: float = 2) -> tuple[Tensor, Tensor]:
    """Logits and labels of three images: one with void, one without class 3, one that is all void."""
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(3, K, 5, 6, generator=generator)
    labels = torch.randint(0, K, (3, 5, 6), generator=generator)
    labels[0, :2] = IGNORE
    labels[1] %= 3
    labels[2] = IGNORE
    return logits, labels


def right(labels: Tensor) -> Tensor:
    """Logits that are sure of the labels; of void pixels they are sure of class 0."""
    return 100.0 * torch.nn.functional.one_hot(labels.where(labels != IGNORE, 0), K).movedim(-1, 1)


def by_hand(logits: Tensor, labels: Tensor, form: Form, weights: Tensor | None) -> tuple[float, int]:
    """The formulas as they are written, with one-hot labels in fp64."""
    total, count = 0.0, 0
    for image, wanted in zip(logits.double().numpy(), labels.numpy(), strict=True):
        power = np.exp(image)
        valid = wanted != IGNORE
        y = (power / power.sum(0))[:, valid]  # K × valid pixels
        t = np.eye(K)[wanted[valid]].T

        def quotient(t: np.ndarray, y: np.ndarray) -> float:
            both, either = (t * y).sum(), (t + y).sum()
            if form == "kerr":
                return float(1 - 2 * (both + 1) / (either + 1))
            return float(1 - ((2 if form == "standard" else 1) * both + 1) / (either + 1))

        if not valid.any():
            continue
        count += 1
        if weights is None:
            total += quotient(t, y)
            continue
        occurring = [(float(weights[k]), quotient(t[k], y[k])) for k in range(K) if t[k].any()]
        if weight := sum(w for w, _ in occurring):
            total += sum(w * d for w, d in occurring) / weight
    return total, count


@every_form
@pytest.mark.parametrize("weights", [None, torch.ones(K), WEIGHTS], ids=["together", "per class", "weighted"])
def test_it_is_its_formula_image_by_image(form: Form, weights: Tensor | None) -> None:
    logits, labels = case()
    value = DiceLoss(form, weights)(logits, labels)
    assert (value.sum.item(), value.count.item()) == pytest.approx(by_hand(logits, labels, form, weights), rel=1e-5)
    assert value.count == 2, "the image that is all void does not count"


@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.1, 1.0, 10.0, 1000.0]), per_class=st.booleans())
def test_the_standard_form_lies_between_0_and_1(seed: int, scale: float, per_class: bool) -> None:
    logits, labels = case(seed, scale)
    mean = Dice(per_class=per_class).build(torch.ones(K, dtype=torch.int64))(logits, labels).mean
    assert 0 <= mean <= 1


@given(seed=st.integers(0, 2**31), pixel=st.integers(0, 29))
def test_a_pixel_that_turns_right_lowers_the_dice_of_all_classes_together(seed: int, pixel: int) -> None:
    logits, labels = case(seed)
    better = logits.clone().flatten(2)
    better[1, labels[1].flatten()[pixel], pixel] += 1
    loss = DiceLoss("standard")
    assert loss(better.view_as(logits), labels).sum < loss(logits, labels).sum


def test_kerrs_form_falls_below_0_when_the_prediction_is_good() -> None:
    """To 1 - 2 (N + 1) / (2N + 1) of N pixels: below 0 by 1 / (2N + 1). It is not twice the standard form either."""
    _, labels = case()
    labels, pixels = labels[1:2], 30
    perfect = DiceLoss("kerr")(right(labels), labels).mean.item()
    assert perfect == pytest.approx(-1 / (2 * pixels + 1), rel=1e-3)
    # Of a class of one pixel it is a third.
    tiny = torch.zeros(1, 1, 1, dtype=torch.int64)
    assert DiceLoss("kerr")(right(tiny), tiny).mean.item() == pytest.approx(-1 / 3)


def test_xiangs_form_ends_near_a_half_when_the_prediction_is_perfect() -> None:
    """1 - (N + 1) / (2N + 1) of N pixels, which is N / (2N + 1)."""
    _, labels = case()
    labels, pixels = labels[1:2], 30
    assert DiceLoss("xiang")(right(labels), labels).mean.item() == pytest.approx(pixels / (2 * pixels + 1))
    assert DiceLoss("standard")(right(labels), labels).mean.item() == pytest.approx(0, abs=1e-6)


@every_form
def test_all_forms_push_the_logits_the_same_way(form: Form) -> None:
    """They are straight lines in each other: only the floor and the step differ."""
    logits, labels = case()
    gradients = []
    for f in (form, "standard"):
        given = logits.clone().requires_grad_()
        # Of all classes together Σ(t + y) is 2N whatever is predicted.
        (gradient,) = torch.autograd.grad(DiceLoss(f)(given, labels).sum, given)
        gradients.append(gradient)
    factor = 0.5 if form == "xiang" else 1.0
    torch.testing.assert_close(gradients[0], factor * gradients[1])


def test_without_classes_the_commonest_counts_most_and_with_them_all_alike() -> None:
    """A picture with one pixel in thirty of class 1, all called class 0."""
    labels = torch.zeros(1, 5, 6, dtype=torch.int64)
    labels[0, 0, 0] = 1
    blind = right(torch.zeros_like(labels))
    assert DiceLoss("standard")(blind, labels).mean.item() == pytest.approx(2 / 61, rel=1e-4)
    mean = DiceLoss("standard", torch.ones(K))(blind, labels).mean.item()
    # Class 0 is 1 - 59/60; class 1, with nothing found of one pixel, 1 - 1/2.
    assert mean == pytest.approx((1 / 60 + 1 / 2) / 2, rel=1e-4)


def test_class_by_class_a_class_that_the_image_lacks_adds_nothing_even_if_predicted() -> None:
    labels = torch.zeros(1, 5, 6, dtype=torch.int64)
    labels[0, :2] = 1
    wrong = labels.clone()
    wrong[0, 0, 0] = 3
    loss = DiceLoss("standard", torch.ones(K))
    assert loss(right(wrong), labels).mean.item() == pytest.approx((0 + (1 - 23 / 24)) / 2, rel=1e-3)
    heavy = DiceLoss("standard", torch.tensor([1.0, 1.0, 1.0, 1e6]))
    assert torch.equal(heavy(right(wrong), labels).mean, loss(right(wrong), labels).mean)


def test_weights_are_relative() -> None:
    logits, labels = case()
    plain, heavy = (DiceLoss("standard", factor * WEIGHTS)(logits, labels).mean for factor in (1, 9))
    torch.testing.assert_close(heavy, plain)


def test_weights_of_classes_need_the_dice_of_classes() -> None:
    with pytest.raises(InvalidSpec, match=r"set loss\.per_class=true as well"):
        Dice().replace(class_weights="inverse")


def test_per_class_without_a_scheme_leaves_out_what_the_training_split_lacks() -> None:
    """Its logits would be pushed by nothing but noise."""
    logits, labels = case()
    built = Dice(per_class=True).build(torch.tensor([9, 9, 0, 9]))
    torch.testing.assert_close(
        built(logits, labels).sum, DiceLoss("standard", torch.tensor([1.0, 1.0, 0.0, 1.0]))(logits, labels).sum
    )
