"""Cross-entropy over valid pixels against torch."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.losses import CrossEntropy
from pixelwise.losses.cross_entropy import CrossEntropyLoss

WEIGHTS = torch.tensor([0.15, 1.9, 0.0, 7.0, 1.0])


def case() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(3, 5, 16, 17, generator=generator)
    labels = torch.randint(0, 5, (3, 16, 17), generator=generator)
    labels[:, :3] = IGNORE
    return logits, labels


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_the_mean_and_its_gradient_are_torchs(weights: Tensor | None, label_smoothing: float) -> None:
    ours, labels = case()
    theirs = ours.clone().requires_grad_()
    mean = CrossEntropyLoss(weights, label_smoothing)(ours.requires_grad_(), labels).mean
    reference = F.cross_entropy(theirs, labels, weights, ignore_index=255, label_smoothing=label_smoothing)
    torch.testing.assert_close(mean, reference)
    torch.testing.assert_close(torch.autograd.grad(mean, ours), torch.autograd.grad(reference, theirs))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_logits_of_eight_bits_give_torchs_loss_to_fp32_and_its_gradient_to_bf16(
    weights: Tensor | None, layout: torch.memory_format
) -> None:
    logits, labels = case()
    short = logits.bfloat16().contiguous(memory_format=layout)
    ours, theirs = short.clone().requires_grad_(), short.float().requires_grad_()
    mean = CrossEntropyLoss(weights)(ours, labels.byte()).mean
    reference = F.cross_entropy(theirs, labels, weights, ignore_index=255)
    torch.testing.assert_close(mean, reference)
    (mine,), (exact,) = torch.autograd.grad(mean, ours), torch.autograd.grad(reference, theirs)
    assert mine.is_contiguous(memory_format=layout)
    torch.testing.assert_close(mine.float(), exact, rtol=2**-7, atol=1e-9)


def test_the_loss_of_huge_logits_is_finite() -> None:
    _, labels = case()
    logits = torch.full((3, 5, 16, 17), -1e30).requires_grad_()
    mean = CrossEntropyLoss()(logits + 1e30 * torch.eye(5)[labels.clamp(max=4)].permute(0, 3, 1, 2), labels).mean
    assert mean.item() == 0
    assert torch.isfinite(torch.autograd.grad(mean, logits)[0]).all()


def test_a_batch_without_a_valid_pixel_has_no_slope() -> None:
    logits = case()[0].requires_grad_()
    value = CrossEntropyLoss()(logits, torch.full((3, 16, 17), IGNORE))
    assert value.sum.item() == value.count.item() == 0
    assert not torch.autograd.grad(value.sum, logits)[0].any()


def test_equal_weights_are_no_weights() -> None:
    """The weight is a factor of both the sum and the count."""
    logits, labels = case()
    plain, heavy = CrossEntropyLoss()(logits, labels), CrossEntropyLoss(torch.full((5,), 7.0))(logits, labels)
    torch.testing.assert_close(heavy.mean, plain.mean)
    assert heavy.count == 7 * plain.count


def test_classes_of_equal_size_make_both_schemes_plain_cross_entropy() -> None:
    logits, labels = case()
    counts = torch.full((5,), 1000)
    plain = CrossEntropy().build(counts)(logits, labels).mean
    torch.testing.assert_close(CrossEntropy(class_weights="inverse").build(counts)(logits, labels).mean, plain)
    torch.testing.assert_close(CrossEntropy(class_weights="complement").build(counts)(logits, labels).mean, plain)


def test_equal_logits_give_the_logarithm_of_the_number_of_classes() -> None:
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
