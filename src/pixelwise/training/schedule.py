"""Learning-rate schedules as functions of the progress of a training."""

import math

from pixelwise.experiment import Fit

WARMUP = 0.1
"""Fraction of the training during which the rate of `one_cycle` rises."""
START = 1 / 25
"""Initial rate of `one_cycle`, as a fraction of its maximum."""


def changes_every_step(fit: Fit) -> bool:
    """Whether the rate changes with every step, not only after validations."""
    return fit.schedule.kind == "one_cycle"


def learning_rate(fit: Fit, progress: float) -> float:
    """The rate at a progress of 0..1; a pure function, so that nothing has to be stored for a resume.

    The cosine is evaluated once per validation, at the start: it begins at the optimizer's rate and would reach
    `min_lr` one validation after the last.
    """
    top, floor = fit.optimizer.lr, float(fit.schedule.min_lr)
    if fit.schedule.kind == "constant":
        return top
    if fit.schedule.kind == "cosine":
        return _cosine(top, floor, progress)
    if progress < WARMUP:
        return _cosine(START * top, top, progress / WARMUP)
    return _cosine(top, 0.0, (progress - WARMUP) / (1 - WARMUP))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
