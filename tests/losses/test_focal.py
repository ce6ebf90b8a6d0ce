"""Focal loss by its definition, and cross-entropy where γ is 0."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pixelwise.core.label_space import IGNORE
from pixelwise.losses import Focal, LossValue
from pixelwise.losses.cross_entropy import CrossEntropyLoss
from pixelwise.losses.focal import FocalLoss

WEIGHTS = torch.tensor([0.15, 1.9, 0.0, 7.0, 1.0])
weighing = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])


def case(seed: int = 3) -> tuple[Tensor, Tensor]:
    """Logits, and labels with void rows."""
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(3, 5, 6, 7, generator=generator)
    labels = torch.randint(0, 5, (3, 6, 7), generator=generator)
    labels[:, :2] = IGNORE
    return logits, labels


def by_hand(logits: Tensor, labels: Tensor, gamma: float, weights: Tensor | None) -> tuple[float, float]:
    """Pixel by pixel, in fp64: -w (1 - p)^γ ln p, and w."""
    total = count = 0.0
    scores, wanted = logits.double().numpy(), labels.numpy()
    for b, y, x in np.ndindex(*wanted.shape):
        if (k := wanted[b, y, x]) != IGNORE:
            power = np.exp(scores[b, :, y, x])
            p, w = power[k] / power.sum(), 1.0 if weights is None else float(weights[k])
            total -= w * (1 - p) ** gamma * math.log(p)
            count += w
    return total, count


def of(value: LossValue) -> tuple[float, float]:
    return value.sum.item(), value.count.item()


@weighing
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_it_is_its_definition_pixel_by_pixel(gamma: float, weights: Tensor | None) -> None:
    logits, labels = case()
    assert of(FocalLoss(gamma, weights)(logits, labels)) == pytest.approx(by_hand(logits, labels, gamma, weights), 1e-5)


@weighing
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.1, 1.0, 10.0, 200.0]))
def test_with_gamma_0_it_is_cross_entropy(weights: Tensor | None, seed: int, scale: float) -> None:
    """The value and, unless the probability is rounded to 1, the gradient."""
    drawn, labels = case(seed)
    ours, theirs = ((scale * drawn).requires_grad_() for _ in range(2))
    focal, reference = FocalLoss(0.0, weights)(ours, labels), CrossEntropyLoss(weights)(theirs, labels)
    torch.testing.assert_close(focal.sum, reference.sum)
    assert torch.equal(focal.count, reference.count)
    torch.testing.assert_close(torch.autograd.grad(focal.mean, ours), torch.autograd.grad(reference.mean, theirs))


@given(logits=st.lists(st.floats(-30, 30), min_size=2, max_size=6), gammas=st.tuples(*2 * [st.floats(0, 5)]))
def test_a_larger_gamma_never_makes_a_pixel_count_more(logits: list[float], gammas: tuple[float, float]) -> None:
    pixel, label = torch.tensor(logits).view(1, -1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64)
    small, large = (FocalLoss(gamma)(pixel, label).sum.item() for gamma in sorted(gammas))
    assert 0 <= large <= small * (1 + 1e-5)


def test_an_easy_pixel_counts_less_than_a_hard_one_by_the_papers_factors() -> None:
    """With γ = 2 a pixel at p = 0.9 has a hundredth of its cross-entropy, one at 0.968 about a thousandth."""
    for p, factor in [(0.9, 100), (0.968, 1000), (0.5, 4)]:
        logits = torch.tensor([math.log(p / (1 - p)), 0.0]).view(1, 2, 1, 1)
        label = torch.zeros(1, 1, 1, dtype=torch.int64)
        ratio = CrossEntropyLoss()(logits, label).sum / FocalLoss(2.0)(logits, label).sum
        assert ratio.item() == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("certain", [30.0, 200.0, 1e4])
def test_a_pixel_that_is_certain_has_a_finite_gradient_right_or_wrong(gamma: float, certain: float) -> None:
    """(1 - p)^γ has an infinite slope at p = 1 where γ is below 1."""
    for sign in (1, -1):
        logits = torch.tensor([sign * certain, 0.0]).view(1, 2, 1, 1).requires_grad_()
        value = FocalLoss(gamma)(logits, torch.zeros(1, 1, 1, dtype=torch.int64))
        (gradient,) = torch.autograd.grad(value.mean, logits)
        assert value.mean.isfinite()
        assert gradient.isfinite().all()
        assert gradient.abs().max() <= 1.01
    assert value.mean.item() == pytest.approx(certain, rel=1e-5), "certain and wrong costs what cross-entropy costs"
    assert gradient.flatten()[0].item() == pytest.approx(-1, rel=1e-3)


@pytest.mark.parametrize("gamma", [-1, float("nan"), float("inf")])
def test_gamma_is_a_finite_number_from_0(gamma: float) -> None:
    with pytest.raises(ValueError, match="gamma"):
        Focal(gamma=gamma)


def test_its_weights_are_those_of_the_training_split() -> None:
    logits, labels = case()
    counts = torch.tensor([50, 25, 0, 20, 5])
    built = Focal(class_weights="inverse").build(counts)
    reference = FocalLoss(2.0, torch.tensor([2.0, 4.0, 0.0, 5.0, 20.0]))
    torch.testing.assert_close(of(built(logits, labels)), of(reference(logits, labels)))
