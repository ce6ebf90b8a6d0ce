"""docs/commands.md describes every flag and field, and the messages that it quotes are those of the program."""

import re
from importlib import import_module

import pytest

from pixelwise.cli import COMMANDS, main
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from pixelwise.inference.options import InferenceOptions
from pixelwise.losses import CrossEntropy
from pixelwise.models import Segformer
from tests.docs.pages import DOCS, rows

PAGE = DOCS / "commands.md"
TEXT = PAGE.read_text(encoding="utf-8")
OPTIONS = {f"--{name}" for name in InferenceOptions.__dataclass_fields__}
NOT_SET = {"", "no limit", "no average", "fit.optimizer.lr", "number of cores − 1, at most 8"}
"""Words for the default of a field that is None."""
INHERITED = {"--help", "--data-root", *OPTIONS}
"""Flags that are described once, not in each section."""


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def flags(text: str) -> set[str]:
    return {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)}


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert not end.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_section_of_a_command_has_its_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(f"pixelwise.cli.{command}")
    calls = [[command, name] for name in module.COMMANDS] if hasattr(module, "COMMANDS") else [[command]]
    # A description may name flags of other commands: only those at the start of a line of the help are its own.
    own = {
        flag for words in calls for flag in re.findall(r"^│? *(--[a-z][a-z-]*)", help_of(words, capsys), re.M)
    } - {"--help"}  # fmt: skip
    described = {*re.findall(r"^\| `(--[a-z-]+)", section(command), re.M)}
    assert described == own - INHERITED
    assert own >= OPTIONS or not OPTIONS & own
    assert not OPTIONS & own or "[inference options](#inference-options)" in section(command).lower()


def test_the_inference_options_are_described() -> None:
    assert flags(section("Inference options")) >= OPTIONS


def test_every_command_has_a_row_in_the_first_table() -> None:
    assert {*rows(PAGE, "| command | purpose |")} == {f"[`{command}`](#{command})" for command in COMMANDS}


def test_every_field_of_an_experiment_is_described() -> None:
    experiment = Experiment(data=Shapes(), model=Segformer(weights=None), loss=CrossEntropy())
    paths = {path for path in experiment.paths() if not path.startswith("data.")} - {"name"}
    assert not {path for path in paths if f"`{path}`" not in TEXT and f"`{path.removesuffix('.kind')}`" not in TEXT}


@pytest.mark.parametrize("path", sorted({*re.findall(r"^\| `((?:fit|augment)[\w.]+)` \|", TEXT, re.M)}))
def test_a_default_is_that_of_the_field(path: str) -> None:
    value: object = Experiment(data=Shapes(), model=Segformer(weights=None))
    for name in path.split("."):
        value = getattr(value, name)
    value = 0 if isinstance(value, float) and not value else value
    (default,) = re.findall(rf"^\| `{path}` \|.*\| (.*?) ?\|$", TEXT, re.M)
    assert default.strip("`") in (NOT_SET if value is None else {str(value).lower()})


@pytest.mark.parametrize("changes", rows(PAGE, "| `--set` | message |"))
def test_a_rejected_length_has_the_message_of_the_page(changes: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = rows(PAGE, "| `--set` | message |")[changes]
    with pytest.raises(SystemExit) as end:
        main(["train", "shapes/fcn", "--set", *changes.strip("`").split()])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"pixelwise: {message}\n"
