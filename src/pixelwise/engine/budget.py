"""How long training goes on: a number of epochs, or a time that ends within an epoch."""

import time
from collections.abc import Sequence

from pixelwise.experiment import Fit
from pixelwise.scores import EpochRecord

FIRST_JUDGING = 0.1
"""Part of the time that is kept for the first judging, before any was measured."""


class Budget:
    """What is left to do. In minutes, it counts training and judging, of earlier processes too.

    Args:
        fit: Says how long.
        history: The epochs that are done.
    """

    def __init__(self, fit: Fit, history: Sequence[EpochRecord]) -> None:
        self._epochs = fit.epochs
        self._seconds = fit.minutes and 60 * fit.minutes
        self._spent = sum(record.seconds for record in history)
        self._judging = max((record.judging_seconds for record in history), default=None)
        self._began = time.perf_counter()

    def allows(self, epoch: int) -> bool:
        """Whether an epoch, 1 for the first, is to be begun."""
        return epoch <= self._epochs if self._seconds is None else not self.over()

    def share(self, epoch: int, part: float = 0) -> float:
        """How much is done, 0..1, when a part (0..1) of an epoch is done; a time budget looks at the clock."""
        if self._seconds is None:
            return (epoch - 1 + part) / self._epochs
        return min(1.0, self._elapsed() / self._seconds)

    def over(self) -> bool:
        """Whether to end the epoch here, so that what is left is enough to judge it. Never without minutes."""
        if self._seconds is None:
            return False
        judging = FIRST_JUDGING * self._seconds if self._judging is None else self._judging
        return self._elapsed() + judging >= self._seconds

    def judged(self, seconds: float) -> None:
        """Remembers how long a judging took."""
        self._judging = max(seconds, self._judging or 0)

    def _elapsed(self) -> float:
        return self._spent + time.perf_counter() - self._began
