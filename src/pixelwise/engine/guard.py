"""What may end training early without losing anything: Ctrl-C, and a loss that is no number any more."""

import math
import signal
import threading
from types import FrameType

from pixelwise.core.errors import Interrupted, RunError
from pixelwise.runs import Run


class Guard:
    """While it is entered, Ctrl-C waits for the end of the step; a second one ends at once.

    Args:
        run: Named in the sentence that says how to go on.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._asked = False
        # Only the main thread may set handlers; elsewhere Ctrl-C keeps its usual meaning.
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Guard":
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def after_step(self) -> None:
        """Ends training here if somebody asked for it.

        Raises:
            Interrupted: Ctrl-C was pressed; everything up to the last finished epoch is in the run's folder.
        """
        if self._asked:
            done = len(self._run.history())
            raise Interrupted(
                f"interrupted; {done} finished {'epoch is' if done == 1 else 'epochs are'} safe."
                f" Go on with: pixelwise train --resume {self._run.path}"
            )

    def after_epoch(self, epoch: int, train_loss: float) -> None:
        """Ends training if the weights are lost; the last good epoch's are kept.

        Raises:
            RunError: The training loss is not finite.
        """
        if not math.isfinite(train_loss):
            raise RunError(
                f"the training loss became {train_loss} in epoch {epoch}: lower fit.optimizer.lr or set fit.clip=1."
                f" The epochs before it are safe in {self._run.path}."
            )
