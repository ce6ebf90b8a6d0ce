"""Arguments of the command line, before and after the parser."""

from collections.abc import Iterable, Sequence
from typing import Any

from pixelwise.core.errors import InvalidSpec, did_you_mean


def values_of(changes: Iterable[str]) -> dict[str, str]:
    """Path -> text of the --set flags.

    Raises:
        InvalidSpec: A change has no `=`.
    """
    values = {}
    for change in changes:
        path, sign, value = change.partition("=")
        if not sign:
            raise InvalidSpec(f"--set needs path=value, such as fit.epochs=5, not '{change}'.")
        values[path] = value
    return values


def with_seed(values: dict[str, str], seed: int | None) -> dict[str, str]:
    """The values, and the seed where one is given."""
    return values if seed is None else {**values, "fit.seed": str(seed)}


def check_command(program: str, words: Sequence[str], commands: Sequence[str]) -> None:
    """Refuses an unknown command.

    Raises:
        InvalidSpec: The first word is not one of the commands; the text lists them.
    """
    if words and not words[0].startswith("-") and words[0] not in commands:
        raise InvalidSpec(f"{program} has no command '{words[0]}'.{did_you_mean(words[0], commands)}")


def one_value_each(argv: Sequence[str]) -> list[str]:
    """`--set a=1 b=2` as `--set a=1 --set b=2`: users write both forms, the parser accepts the second."""
    words: list[str] = []
    setting = False
    for word in argv:
        repeated = setting and "=" in word and not word.startswith("-") and words[-1] != "--set"
        words += ["--set", word] if repeated else [word]
        setting = word == "--set" or (setting and "=" in word)
    return words


def refuse_with_resume(**given: Any) -> None:
    """Refuses settings beside --resume: a resumed run keeps its configuration.

    Args:
        given: Name -> value; None or empty where it was not given.

    Raises:
        InvalidSpec: A setting was given.
    """
    extra = [name for name, value in given.items() if value not in (None, ())]
    if extra:
        raise InvalidSpec(f"--resume continues a run with its own configuration: leave out {', '.join(extra)}.")
