"""Length of a training: a number of epochs, or a time budget that ends within an epoch.

The epochs between two validations are one round; rounds are counted from 1.
"""

import time
from collections.abc import Callable, Sequence

from pixelwise.experiment import Fit
from pixelwise.metrics.scores import EpochRecord

FIRST_VALIDATION = 0.1
"""Fraction of the time budget that is reserved for the first validation, before any was measured."""


class Budget:
    """Remaining work of a training. A time budget counts training and validation, those of earlier processes included.

    Args:
        fit: Settings of the training.
        history: Records of the finished rounds.
        clock: Function that gives the time in seconds.
    """

    def __init__(
        self, fit: Fit, history: Sequence[EpochRecord], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._rounds = fit.epochs and fit.epochs // fit.val_every
        self._seconds = fit.minutes and 60 * fit.minutes
        self._spent = sum(record.seconds for record in history)
        self._validation = max((record.validation_seconds for record in history), default=None)
        self._clock = clock
        self._began = clock()

    def allows(self, number: int) -> bool:
        """Whether a round may begin."""
        return number <= self._rounds if self._rounds else not self.over()

    def progress(self, number: int, part: float = 0) -> float:
        """Finished fraction of the training, 0..1, after a part (0..1) of a round; a time budget reads the clock."""
        if self._rounds:
            return (number - 1 + part) / self._rounds
        assert self._seconds
        return min(1.0, self._elapsed() / self._seconds)

    def over(self) -> bool:
        """Whether to end the round now, so that the remaining time suffices to validate it. Never without minutes."""
        if self._seconds is None:
            return False
        validation = FIRST_VALIDATION * self._seconds if self._validation is None else self._validation
        return self._elapsed() + validation >= self._seconds

    def add_validation(self, seconds: float) -> None:
        """Records the duration of a validation."""
        self._validation = max(seconds, self._validation or 0)

    def _elapsed(self) -> float:
        return self._spent + self._clock() - self._began
