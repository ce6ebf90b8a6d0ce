"""Progress output on standard error: a progress bar on a terminal, plain lines elsewhere."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Console on standard error. Standard output contains only results."""


class Log:
    """Prints lines on standard error and appends them to a file.

    Args:
        file: The log file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def line(self, text: str) -> None:
        """Prints a line and appends it to the file."""
        console.print(text, markup=False)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


class Bar:
    """Progress bar that disappears at the end. Without a terminal nothing is shown.

    Args:
        total: Number of steps.
        description: Text before the bar.
    """

    def __init__(self, total: int, description: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._progress.add_task(description, total=total, note="")

    def __enter__(self) -> "Bar":
        if self.shown:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.shown:  # some versions of rich print an empty line at the end of a disabled bar
            self._progress.stop()

    @property
    def shown(self) -> bool:
        """Whether the bar is visible. A note that takes time to compute is needed only then."""
        return not self._progress.disable

    def step(self, note: str = "") -> None:
        """Advances the bar by one step.

        Args:
            note: Text after the bar.
        """
        self._progress.update(self._task, advance=1, note=note)


def track(items: Collection[Item], description: str) -> Iterator[Item]:
    """Iterates over items and shows a progress bar."""
    with Bar(len(items), description) as bar:
        for item in items:
            yield item
            bar.step()
