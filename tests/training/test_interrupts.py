"""A loss that is not finite ends training, and the checkpoint before it remains."""

from pathlib import Path

import pytest

from pixelwise.core.errors import RunError
from pixelwise.experiment import Experiment
from pixelwise.run import Run
from pixelwise.training.loop import train


def test_a_loss_that_explodes_ends_training_with_the_remedy(tiny: Experiment, tmp_path: Path) -> None:
    wild = tiny.with_values({"fit.optimizer.lr": "1e30", "fit.optimizer.kind": "sgd", "fit.epochs": "5"})
    with pytest.raises(RunError, match=r"the training loss became (nan|inf) in epoch \d: lower fit\.optimizer\.lr"):
        train(wild, out=tmp_path / "run")
    assert len(Run.open(tmp_path / "run").history()) < 5
