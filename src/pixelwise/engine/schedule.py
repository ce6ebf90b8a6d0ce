"""Optimizer and learning rate, from their specs."""

import math
from collections.abc import Iterable

from torch import nn, optim

from pixelwise.core.errors import InvalidSpec
from pixelwise.experiment import Fit, Optimizer

RISE = 0.1
"""Part of the training in which the rate of `one_cycle` rises."""
START = 1 / 25
"""Where it begins, as a part of its highest value."""


def build_optimizer(
    spec: Optimizer, parameters: Iterable[nn.Parameter], encoder: Iterable[nn.Parameter] = ()
) -> optim.Optimizer:
    """The optimizer over the parameters that learn, in torch's fused form (one pass over the weights).

    Args:
        spec: Says how.
        parameters: All of the network's.
        encoder: Those of them that `encoder_lr` is for.

    Raises:
        InvalidSpec: `encoder_lr` is set, and nothing of an encoder learns.
    """
    apart = {p for p in encoder if p.requires_grad} if spec.encoder_lr is not None else set()
    if spec.encoder_lr is not None and not apart:
        raise InvalidSpec(
            "fit.optimizer.encoder_lr is set, and this network has no encoder that learns: set it to none."
        )
    learning = [p for p in parameters if p.requires_grad]
    groups = [{"params": [p for p in learning if p not in apart], "share": 1.0}]
    if apart:
        groups.append({"params": [p for p in learning if p in apart], "share": (spec.encoder_lr or 0) / spec.lr})
    if spec.kind == "sgd":
        return optim.SGD(groups, spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=True)
    kind = optim.Adam if spec.kind == "adam" else optim.AdamW
    return kind(groups, spec.lr, weight_decay=spec.weight_decay, fused=True)


def moves_each_step(fit: Fit) -> bool:
    """Whether the rate changes within an epoch, too."""
    return fit.schedule.kind == "one_cycle"


def learning_rate(fit: Fit, share: float) -> float:
    """The rate when `share` (0..1) of the training is done; nothing has to be stored for it.

    The cosine is asked for once an epoch, at its start: it begins at the optimizer's rate and would reach its floor one
    epoch after the last.
    """
    top, floor = fit.optimizer.lr, float(fit.schedule.floor)
    if fit.schedule.kind == "constant":
        return top
    if fit.schedule.kind == "cosine":
        return _cosine(top, floor, share)
    if share < RISE:
        return _cosine(START * top, top, share / RISE)
    return _cosine(top, 0.0, (share - RISE) / (1 - RISE))


def set_learning_rate(optimizer: optim.Optimizer, rate: float) -> None:
    """Sets the rate of every parameter group, each its share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
