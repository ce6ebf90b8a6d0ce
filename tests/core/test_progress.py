"""Progress: a bar on a terminal, plain lines elsewhere, and nothing on standard output."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from pixelwise.core import progress
from pixelwise.experiment import Experiment
from pixelwise.training.loop import train


def test_on_a_terminal_there_is_a_bar_with_the_loss(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=120))
    train(tiny, out=tmp_path / "run")
    assert "epoch 1/2" in screen.getvalue()
    assert "━" in screen.getvalue()
    assert "loss" in screen.getvalue()


def test_elsewhere_there_are_plain_lines_on_standard_error(tiny: Experiment, tmp_path: Path, capfd) -> None:
    run = train(tiny, out=tmp_path / "run")
    out, err = capfd.readouterr()
    assert out == ""
    assert "━" not in err
    assert "\x1b" not in err
    assert [line.split("  ")[0] for line in err.splitlines()[-2:]] == ["epoch 1/2", "epoch 2/2"]
    first, *rest = err.splitlines()
    assert first == "reading the images of shapes"  # before the run folder exists
    assert run.log.read_text(encoding="utf-8").splitlines() == rest


def test_the_log_says_which_classes_have_no_training_pixel(tiny: Experiment, tmp_path: Path) -> None:
    run = train(tiny.with_values({"data.images": "1", "data.seed": "4", "fit.epochs": "1"}), out=tmp_path / "run")
    counts = run.environment.statistics.pixel_counts
    absent = [n for n, c in zip(tiny.data.label_space.names, counts, strict=True) if not c]
    assert absent, "a street has no path, or a park no car"
    assert f"no training pixel of {', '.join(absent)}" in run.log.read_text(encoding="utf-8")
