"""Early ends of a training that lose nothing: Ctrl-C, and a loss that is not finite."""

import math
import signal
import threading
from types import FrameType

from pixelwise.core.errors import Interrupted, RunError
from pixelwise.run import Run


class Interrupts:
    """While entered, Ctrl-C takes effect at the end of the step; a second one takes effect at once.

    Args:
        run: The run, for the message that says how to continue.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._asked = False
        # Only the main thread may set handlers; elsewhere Ctrl-C keeps its usual meaning.
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Interrupts":
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

    def check(self) -> None:
        """Ends training here after Ctrl-C.

        Raises:
            Interrupted: Ctrl-C was pressed; everything up to the last validation is in the run folder.
        """
        if self._asked:
            history = self._run.history()
            if not history:
                raise Interrupted(
                    "interrupted before the first validation; the same command, or pixelwise train --resume"
                    f" {self._run.path}, starts again."
                )
            done = history[-1].epoch
            raise Interrupted(
                f"interrupted; {done} finished {'epoch is' if done == 1 else 'epochs are'} saved."
                f" Continue with: pixelwise train --resume {self._run.path}"
            )

    def check_loss(self, epoch: int, train_loss: float) -> None:
        """Ends training if the loss is not finite; the checkpoint of the last validation remains.

        Raises:
            RunError: The training loss is not finite.
        """
        if not math.isfinite(train_loss):
            raise RunError(
                f"the training loss became {train_loss} in epoch {epoch}: lower fit.optimizer.lr or set"
                " fit.grad_clip_norm=1."
                f" The epochs before it are saved in {self._run.path}."
            )
