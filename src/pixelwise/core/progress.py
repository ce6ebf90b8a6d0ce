"""What a person sees while it runs: a bar on a terminal, plain lines elsewhere, all of it on standard error."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Standard error: results on standard output stay clean."""


class Log:
    """Lines for a person, also kept in a file.

    Args:
        file: Where lines are added.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def line(self, text: str) -> None:
        """Prints a line and keeps it."""
        console.print(text, markup=False)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


class Bar:
    """A progress bar that is gone when it is done; nothing where nobody watches.

    Args:
        total: Steps to do.
        description: What is being done.
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
        if self.shown:  # some versions of rich end even a bar that is disabled with an empty line
            self._progress.stop()

    @property
    def shown(self) -> bool:
        """Whether anyone sees it: a note that costs time is made only then."""
        return not self._progress.disable

    def step(self, note: str = "") -> None:
        """One step done."""
        self._progress.update(self._task, advance=1, note=note)


def track(items: Collection[Item], description: str) -> Iterator[Item]:
    """The items, with a bar beside them."""
    with Bar(len(items), description) as bar:
        for item in items:
            yield item
            bar.step()
