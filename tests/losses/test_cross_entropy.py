"""Cross-entropy is torch's, over valid pixels."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.labels import IGNORE
from pixelwise.losses import CrossEntropy
from pixelwise.losses.cross_entropy import CrossEntropyLoss

WEIGHTS = torch.tensor([0.15, 1.9, 0.0, 7.0, 1.0])


def case() -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(3, 5, 16, 17, generator=chance)
    labels = torch.randint(0, 5, (3, 16, 17), generator=chance)
    labels[:, :3] = IGNORE
    return logits, labels


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_the_mean_and_its_gradient_are_torchs(weights: Tensor | None) -> None:
    ours, labels = case()
    theirs = ours.clone().requires_grad_()
    mean = CrossEntropyLoss(weights)(ours.requires_grad_(), labels).mean
    judge = F.cross_entropy(theirs, labels, weights, ignore_index=255)
    torch.testing.assert_close(mean, judge)
    torch.testing.assert_close(torch.autograd.grad(mean, ours), torch.autograd.grad(judge, theirs))


def test_equal_weights_are_no_weights() -> None:
    """Whatever the weight: it stands above and below the line."""
    logits, labels = case()
    plain, heavy = CrossEntropyLoss()(logits, labels), CrossEntropyLoss(torch.full((5,), 7.0))(logits, labels)
    torch.testing.assert_close(heavy.mean, plain.mean)
    assert heavy.count == 7 * plain.count


def test_classes_of_equal_size_make_both_schemes_plain_cross_entropy() -> None:
    logits, labels = case()
    counts = torch.full((5,), 1000)
    plain = CrossEntropy().build(counts)(logits, labels).mean
    torch.testing.assert_close(CrossEntropy(weights="inverse").build(counts)(logits, labels).mean, plain)
    torch.testing.assert_close(CrossEntropy(weights="complement").build(counts)(logits, labels).mean, plain)


def test_a_network_that_knows_nothing_pays_the_logarithm_of_the_number_of_classes() -> None:
    _, labels = case()
    mean = CrossEntropyLoss(WEIGHTS)(torch.zeros(3, 5, 16, 17), labels).mean
    assert mean.item() == pytest.approx(math.log(5))


def test_the_count_is_the_valid_pixels_or_the_sum_of_their_weights() -> None:
    labels = torch.tensor([[[0, 3, 3, 2, IGNORE]]])
    assert CrossEntropyLoss()(torch.zeros(1, 5, 1, 5), labels).count == 4
    count = CrossEntropyLoss(WEIGHTS)(torch.zeros(1, 5, 1, 5), labels).count
    assert count.item() == pytest.approx(0.15 + 7 + 7 + 0)


def test_weights_follow_the_loss_to_another_device() -> None:
    assert {buffer.device.type for buffer in CrossEntropyLoss(WEIGHTS).to("meta").buffers()} == {"meta"}
