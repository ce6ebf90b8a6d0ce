"""Output of the command line: results on standard output, remarks on standard error."""

import json
import sys
from typing import Any


def print_results(*things: Any) -> None:
    """Prints results. Paths stay on one line, so that they can be copied."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for thing in things:
        console.print(thing, markup=False)


def print_json(content: Any) -> None:
    """Prints JSON."""
    print(json.dumps(content, indent=2, ensure_ascii=False))  # noqa: T201  # rich would wrap it


def print_note(line: str) -> None:
    """Prints a remark beside the results."""
    print(line, file=sys.stderr)  # noqa: T201  # rich would wrap it
