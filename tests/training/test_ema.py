"""The moving average of weights, beside one that is computed by hand."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from pixelwise.models import Segmenter
from pixelwise.training.ema import build_ema
from tests.networks import Small


def moved(model: Segmenter, step: int) -> None:
    """As training would: other weights and other statistics."""
    chance = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for tensor in [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]:
            tensor += torch.rand(tensor.shape, generator=chance)


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_weights_and_statistics_follow_at_the_decay_and_faster_at_first(decay: float) -> None:
    spec = Small()
    model = Segmenter(spec.build(3), spec)
    average = build_ema(model, decay)
    by_hand: dict[str, np.ndarray] = {}
    for step in range(30):
        moved(model, step)
        average.update_parameters(model)
        now = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
        keep = min(decay, (1 + step) / (10 + step)) if step else 0
        by_hand = {name: keep * by_hand.get(name, value) + (1 - keep) * value for name, value in now.items()}
    for name, tensor in average.module.state_dict().items():
        if tensor.is_floating_point():
            np.testing.assert_allclose(tensor.numpy(), by_hand[name], rtol=1e-4, err_msg=name)


def test_the_network_that_learns_is_left_alone() -> None:
    spec = Small()
    model = Segmenter(spec.build(3), spec)
    average, before = build_ema(model, 0.9), deepcopy(model.state_dict())
    average.update_parameters(model)
    with torch.no_grad():
        next(average.module.parameters()).zero_()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
