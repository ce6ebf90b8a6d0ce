"""Exponential moving average (EMA) of a network's weights."""

from collections.abc import Sequence

from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pixelwise.models import Segmenter


def build_ema(model: Segmenter, decay: float) -> AveragedModel:
    """A copy of a network whose weights and statistics follow the network's with every `update_parameters`.

    Args:
        model: Whose weights move.
        decay: How much of the average a step keeps; see `Fit.ema_decay`.
    """

    def follow(average: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        ramp = (1 + int(steps)) / (10 + int(steps))
        get_ema_multi_avg_fn(min(decay, ramp))(average, current, steps)  # type: ignore[no-untyped-call]  # torch ships it so

    return AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
