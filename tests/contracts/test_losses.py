"""Contract of losses, for every registered one and every scheme of class weights."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from pixelwise.core.label_space import IGNORE
from pixelwise.losses import LOSSES, CrossEntropy, Dice, Focal, LossFunction, LossSpec, LossValue
from pixelwise.losses.weights import Scheme

K = 4
COUNTS = torch.tensor([700, 30, 200, 5])
SPECS = [
    *(CrossEntropy(class_weights=scheme) for scheme in get_args(Scheme)),
    *(Focal(class_weights=scheme) for scheme in get_args(Scheme)),
    Dice(),
    *(Dice(class_weights=scheme, per_class=True) for scheme in get_args(Scheme)),
]
assert {spec.kind for spec in SPECS} == set(LOSSES), "a loss without a contract test"

every_loss = pytest.mark.parametrize(
    "spec", SPECS, ids=lambda s: f"{s.kind}-{getattr(s, 'class_weights', '')}".strip("-")
)


def case(batch: int = 4, scale: float = 3) -> tuple[Tensor, Tensor]:
    """Logits, and labels of which about a fifth are void."""
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(batch, K, 5, 6, generator=generator)
    labels = torch.randint(0, K, (batch, 5, 6), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = IGNORE
    return logits, labels


def assert_same(a: LossValue, b: LossValue) -> None:
    torch.testing.assert_close(a.sum, b.sum)
    torch.testing.assert_close(a.count, b.count)


@every_loss
def test_sums_and_counts_add_up_over_batches(spec: LossSpec) -> None:
    """Also where the parts hold different numbers of valid pixels, which a mean of means would get wrong."""
    loss, (logits, labels) = spec.build(COUNTS), case()
    labels[0, 1:] = IGNORE
    first, rest = loss(logits[:1], labels[:1]), loss(logits[1:], labels[1:])
    assert_same(LossValue(first.sum + rest.sum, first.count + rest.count), loss(logits, labels))


@every_loss
def test_what_void_pixels_hold_changes_nothing(spec: LossSpec) -> None:
    loss, (logits, labels) = spec.build(COUNTS), case()
    void = (labels == IGNORE)[:, None].expand_as(logits)
    changed = torch.where(void, 1e4 * torch.randn_like(logits), logits).requires_grad_()
    value = loss(changed, labels)
    assert_same(value, loss(logits, labels))
    (gradient,) = torch.autograd.grad(value.mean, changed)
    assert not gradient[void].any()
    assert gradient[~void].all()


@every_loss
def test_a_batch_that_is_all_void_is_0_with_zero_gradient(spec: LossSpec) -> None:
    logits = case()[0].requires_grad_()
    value = spec.build(COUNTS)(logits, torch.full((4, 5, 6), IGNORE))
    (gradient,) = torch.autograd.grad(value.mean, logits)
    assert value.mean.item() == value.sum.item() == value.count.item() == 0
    assert torch.equal(gradient, torch.zeros_like(logits))


@every_loss
def test_a_batch_of_classes_without_a_training_pixel_breaks_nothing(spec: LossSpec) -> None:
    logits = case()[0].requires_grad_()
    value = spec.build(torch.tensor([700, 30, 200, 0]))(logits, torch.full((4, 5, 6), 3))
    (gradient,) = torch.autograd.grad(value.mean, logits)
    assert value.mean.isfinite()
    assert gradient.isfinite().all()


@every_loss
def test_the_gradient_is_that_of_finite_differences(spec: LossSpec) -> None:
    """Losses compute in fp32, whatever they are given: hence the wide step."""
    loss, (logits, labels) = spec.build(COUNTS), case(batch=1, scale=1)
    given = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, labels).mean, given, eps=1e-2, atol=1e-4, rtol=1e-3)


@every_loss
def test_it_is_never_negative_and_falls_to_0_where_the_logits_are_sure_and_right(spec: LossSpec) -> None:
    loss, (logits, labels) = spec.build(COUNTS), case(scale=20)
    right = torch.nn.functional.one_hot(labels.where(labels != IGNORE, 0), K).movedim(-1, 1)
    assert loss(logits, labels).mean > 0
    assert loss(100.0 * right, labels).mean.item() == pytest.approx(0, abs=1e-6)
    assert loss(100.0 * right, labels).sum >= 0


@every_loss
def test_the_names_of_the_classes_do_not_matter(spec: LossSpec) -> None:
    """Logits, labels and pixel counts permuted together give the same value."""
    logits, labels = case()
    order = torch.tensor([2, 0, 3, 1])
    renamed = torch.where(labels == IGNORE, IGNORE, order.argsort()[labels.where(labels != IGNORE, 0)])
    permuted = spec.build(COUNTS[order])(logits[:, order], renamed)
    assert_same(permuted, spec.build(COUNTS)(logits, labels))


@every_loss
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16], ids=str)
def test_labels_may_be_as_narrow_as_files_hold_them(spec: LossSpec, dtype: torch.dtype) -> None:
    loss, (logits, labels) = spec.build(COUNTS), case()
    narrow, wide = loss(logits, labels.to(dtype)), loss(logits, labels)
    assert torch.equal(narrow.sum, wide.sum)
    assert torch.equal(narrow.count, wide.count)


@every_loss
def test_bf16_logits_give_a_loss_computed_in_fp32(spec: LossSpec) -> None:
    loss, (logits, labels) = spec.build(COUNTS), case()
    value = loss(logits.bfloat16(), labels)
    assert value.sum.dtype == value.mean.dtype == torch.float32
    assert torch.equal(value.sum, loss(logits.bfloat16().float(), labels).sum)


@every_loss
def test_a_loss_is_built_as_the_contract_says_and_its_spec_comes_back_from_json(spec: LossSpec) -> None:
    assert isinstance(spec.build(COUNTS), LossFunction)
    assert type(spec).from_json(spec.to_json()) == spec
