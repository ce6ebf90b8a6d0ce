"""Errors that a user can correct. Each message states what was wrong, what was expected and what to do.

The command line prints the message and exits with code 2. Any other exception is a bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 200
"""Maximum number of choices that an error message lists."""


class PixelwiseError(Exception):
    """Base class of every error that the user can correct. The message is complete by itself."""


class InvalidSpec(PixelwiseError):
    """A recipe, field or value does not exist or is not valid."""


class DatasetNotFound(PixelwiseError):
    """A folder or split of a data set is missing. The message shows the expected folder tree."""


class DataError(PixelwiseError):
    """A file of a data set cannot be used: it is unreadable, has the wrong size, or contains unknown label ids."""


class RunError(PixelwiseError):
    """A run folder is missing, incomplete, in the way, or written by a newer version."""


class Interrupted(PixelwiseError):
    """The user stopped a training. The run folder contains the last finished epoch."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Builds the end of a message about an unknown name: the closest valid name, if one is close, and the choices.

    Args:
        name: The unknown name.
        choices: The valid names. Above `MAX_LISTED` of them, only the closest ones are listed.
    """
    known = sorted(choices)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    if len(known) > MAX_LISTED:
        closest = get_close_matches(name, known, n=10, cutoff=0)
        return f"{hint} Choose from {len(known):,}, among them {', '.join(closest)}."
    return f"{hint} Choose from: {', '.join(known) or 'none'}."
