"""Exponential moving average (EMA) of a network's weights."""

from collections.abc import Sequence

from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pixelwise.models import Segmenter


def build_ema(model: Segmenter, decay: float) -> AveragedModel:
    """Exponential moving average of a network's weights and statistics, updated by `update_parameters`.

    Args:
        model: The network that is trained.
        decay: Decay per step, 0..1; see `Fit.ema_decay`.
    """

    def follow(average: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        ramp = (1 + int(steps)) / (10 + int(steps))
        get_ema_multi_avg_fn(min(decay, ramp))(average, current, steps)  # type: ignore[no-untyped-call]  # torch ships it so

    return AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
