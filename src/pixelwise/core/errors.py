"""Errors that a user can act on: one sentence saying what was wrong, what was expected and what to do.

The command line prints the sentence and exits with code 2; everything else is a bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

MANY = 200
"""More choices than anybody reads in an error."""


class PixelwiseError(Exception):
    """Base of every error that is the user's to mend. Its text is complete by itself."""


class InvalidSpec(PixelwiseError):
    """A recipe, field or value that does not exist or does not fit."""


class DatasetNotFound(PixelwiseError):
    """A data set's folder or split is missing; the text shows the tree that was expected."""


class DataError(PixelwiseError):
    """A file of a data set that cannot be used: unreadable, of another size, with foreign label ids."""


class RunError(PixelwiseError):
    """A run folder that is missing, incomplete, newer than this version, or in the way."""


class Interrupted(PixelwiseError):
    """Training was stopped by the user; the run folder holds the last finished epoch."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """End of a sentence about an unknown name: the closest choice if one is close, and all of them, if not too many.

    Args:
        name: What was given.
        choices: The valid names.
    """
    known = sorted(choices)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    if len(known) > MANY:
        near = get_close_matches(name, known, n=10, cutoff=0)
        return f"{hint} Choose from {len(known):,}, among them {', '.join(near)}."
    return f"{hint} Choose from: {', '.join(known) or 'none'}."
