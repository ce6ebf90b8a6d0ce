"""Optimizer of a training."""

from collections.abc import Iterable

from torch import nn, optim

from pixelwise.core.errors import InvalidSpec
from pixelwise.experiment import Optimizer


def build_optimizer(
    spec: Optimizer, parameters: Iterable[nn.Parameter], encoder: Iterable[nn.Parameter] = ()
) -> optim.Optimizer:
    """The optimizer of the trainable parameters, in torch's fused form (one pass over the weights).

    Args:
        spec: Settings of the optimizer.
        parameters: All parameters of the network.
        encoder: Those of the encoder, which `encoder_lr` applies to.

    Raises:
        InvalidSpec: `encoder_lr` is set, and the network has no trainable encoder.
    """
    apart = {p for p in encoder if p.requires_grad} if spec.encoder_lr is not None else set()
    if spec.encoder_lr is not None and not apart:
        raise InvalidSpec("fit.optimizer.encoder_lr is set, and this network has no trainable encoder: set it to none.")
    trainable = [p for p in parameters if p.requires_grad]
    groups = [{"params": [p for p in trainable if p not in apart], "lr_factor": 1.0}]
    if apart:
        factor = (spec.encoder_lr or 0) / spec.lr
        groups.append({"params": [p for p in trainable if p in apart], "lr_factor": factor})
    if spec.kind == "sgd":
        return optim.SGD(groups, spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, fused=True)
    kind = optim.Adam if spec.kind == "adam" else optim.AdamW
    return kind(groups, spec.lr, weight_decay=spec.weight_decay, fused=True)


def set_learning_rate(optimizer: optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every parameter group, multiplied by the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_factor"]
