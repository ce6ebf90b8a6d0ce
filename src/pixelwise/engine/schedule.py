"""Optimizer and learning rate, from their specs."""

import math
from collections.abc import Iterable

from torch import nn, optim

from pixelwise.experiment import Fit, Optimizer


def build_optimizer(spec: Optimizer, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    """The optimizer over the parameters that learn, in torch's fused form (one pass over the weights)."""
    learning = [p for p in parameters if p.requires_grad]
    if spec.kind == "sgd":
        return optim.SGD(learning, spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=True)
    kind = optim.Adam if spec.kind == "adam" else optim.AdamW
    return kind(learning, spec.lr, weight_decay=spec.weight_decay, fused=True)


def learning_rate(fit: Fit, share: float) -> float:
    """The rate of an epoch that begins when `share` (0..1) of the training is done; nothing has to be stored for it.

    The cosine starts at the optimizer's rate and would reach its floor one epoch after the last.
    """
    start, floor = fit.optimizer.lr, fit.schedule.floor
    if fit.schedule.kind == "constant":
        return start
    return floor + (start - floor) * (1 + math.cos(math.pi * share)) / 2


def set_learning_rate(optimizer: optim.Optimizer, rate: float) -> None:
    """Sets the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
