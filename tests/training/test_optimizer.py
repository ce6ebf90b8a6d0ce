"""The optimizers are torch's own, built from their specs."""

from typing import Any

import pytest
import torch
from torch import nn, optim

from pixelwise.core.errors import InvalidSpec
from pixelwise.experiment import Optimizer
from pixelwise.training.optimizer import build_optimizer, set_learning_rate

SPECS = [
    Optimizer(kind="adam", lr=5e-3, weight_decay=0.01),
    Optimizer(kind="adamw", lr=5e-3, weight_decay=0.01),
    Optimizer(kind="sgd", lr=5e-3, weight_decay=0.01),
    Optimizer(kind="sgd", lr=5e-3, weight_decay=0.01, momentum=0.9),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{spec.momentum}")
def test_optimizers_move_weights_as_torchs_own_do(spec: Optimizer) -> None:
    options: dict[str, Any] = {"lr": 5e-3, "weight_decay": 0.01} | ({"momentum": 0.9} if spec.momentum else {})
    kind = {"adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD}[spec.kind]
    start = torch.linspace(-3, 3, 7)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine, reference = build_optimizer(spec, [ours]), kind([theirs], **options)
    for step in range(5):
        for weights, optimizer in ((ours, mine), (theirs, reference)):
            weights.grad = torch.sin(weights.detach() + step)
            optimizer.step()
    torch.testing.assert_close(ours, theirs)
    assert type(mine) is kind


def test_weight_decay_is_l2_in_adam_and_decoupled_in_adamw() -> None:
    """Without a gradient Adam's L2 term alone decides its direction, a full step; AdamW shrinks by lr × decay."""

    def moved(kind: str) -> float:
        weights = nn.Parameter(torch.ones(1))
        weights.grad = torch.zeros(1)
        build_optimizer(Optimizer.model_validate({"kind": kind, "lr": 0.1, "weight_decay": 0.01}), [weights]).step()
        return 1 - weights.item()

    assert moved("adam") == pytest.approx(0.1, rel=1e-5)
    assert moved("adamw") == pytest.approx(0.1 * 0.01, rel=1e-4)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_frozen_parameters_are_left_out(kind: str) -> None:
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    layers[0].requires_grad_(False)
    optimizer = build_optimizer(Optimizer.model_validate({"kind": kind, "weight_decay": 0.1}), layers.parameters())
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in layers[1].parameters()}


def test_a_new_rate_reaches_every_group_and_keeps_the_moments() -> None:
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    spec = Optimizer(kind="sgd", lr=1, encoder_lr=0.5, momentum=0.5)
    optimizer = build_optimizer(spec, [first, second], encoder=[second])
    set_learning_rate(optimizer, 1.0)
    first.grad = second.grad = torch.ones(1)
    optimizer.step()
    set_learning_rate(optimizer, 0.1)
    optimizer.step()
    assert first.item() == pytest.approx(1 - 1 - 0.1 * 1.5)
    assert second.item() == pytest.approx(1 - 0.5 - 0.05 * 1.5), "an encoder keeps its part of the rate"


def test_a_rate_for_an_encoder_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"encoder_lr is set.*no trainable encoder"):
        build_optimizer(Optimizer(encoder_lr=1e-4), [nn.Parameter(torch.ones(1))])
