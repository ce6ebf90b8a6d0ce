"""Words of the command line, before and after the parser has them."""

from collections.abc import Iterable, Sequence
from typing import Any

from pixelwise.core.errors import InvalidSpec, did_you_mean


def values_of(changes: Iterable[str]) -> dict[str, str]:
    """Path -> text of the --set flags."""
    values = {}
    for change in changes:
        path, sign, value = change.partition("=")
        if not sign:
            raise InvalidSpec(f"--set wants path=value, such as fit.epochs=5, not '{change}'.")
        values[path] = value
    return values


def with_seed(values: dict[str, str], seed: int | None) -> dict[str, str]:
    """The values, and the seed where one is given."""
    return values if seed is None else {**values, "fit.seed": str(seed)}


def check_verb(program: str, words: Sequence[str], verbs: Sequence[str]) -> None:
    """Refuses a verb that does not exist.

    Raises:
        InvalidSpec: It does not; the text names those that do.
    """
    if words and not words[0].startswith("-") and words[0] not in verbs:
        raise InvalidSpec(f"{program} has no verb '{words[0]}'.{did_you_mean(words[0], verbs)}")


def one_value_each(argv: Sequence[str]) -> list[str]:
    """`--set a=1 b=2` as `--set a=1 --set b=2`: both forms are natural, the parser takes one."""
    words: list[str] = []
    setting = False
    for word in argv:
        repeated = setting and "=" in word and not word.startswith("-") and words[-1] != "--set"
        words += ["--set", word] if repeated else [word]
        setting = word == "--set" or (setting and "=" in word)
    return words


def refuse_with_resume(**given: Any) -> None:
    """A resumed run is what it was asked to be when it began.

    Args:
        given: What was asked beside; None or nothing where it was not.

    Raises:
        InvalidSpec: Something was.
    """
    extra = [name for name, value in given.items() if value not in (None, ())]
    if extra:
        raise InvalidSpec(f"--resume goes on with a run as it was begun: leave out {', '.join(extra)}.")
