"""Number of operations of a network: matrix products and convolutions, two operations per multiplication."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def gflop_of_a_step(network: nn.Module, side: int) -> float:
    """GFLOP of a training step for one image, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        network.train()(torch.rand(2, 3, side, side)).sum().backward()
    return counter.get_total_flops() / 2 / 1e9


def gflop_of_an_image(network: nn.Module, height: int, width: int) -> float:
    """GFLOP of predicting one image."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.rand(1, 3, height, width))
    return counter.get_total_flops() / 1e9
