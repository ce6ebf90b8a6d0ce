"""Training learns, and follows the settings of the experiment."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pixelwise.core.seeding import seed_torch
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from pixelwise.models import Fcn, Segmenter
from pixelwise.training.loop import train
from tests.networks import Linear, Small


@pytest.mark.slow
def test_the_baseline_overfits_four_images(tiny: Experiment, tmp_path: Path) -> None:
    experiment = tiny.replace(data=Shapes(size=(64, 64), images=4), model=Fcn())
    run = train(experiment.with_values({"fit.epochs": "40", "fit.optimizer.lr": "3e-3"}), out=tmp_path / "run")
    first, *_, last = run.history()
    assert first.train_mean_iou is not None
    assert last.train_mean_iou is not None
    assert first.train_mean_iou < 0.3
    assert last.train_mean_iou > 0.9


def test_normalization_is_the_training_splits_or_what_is_given_and_travels_with_the_weights(
    tiny: Experiment, tmp_path: Path
) -> None:
    measured = train(tiny.with_values({"fit.epochs": "1"}), out=tmp_path / "measured")
    pixels = torch.stack([tiny.data.build("train", Path())[i].image for i in range(8)]).double()
    weights = load_file(measured.best)
    torch.testing.assert_close(weights["mean"].flatten().double(), pixels.mean((0, 2, 3)), rtol=1e-5, atol=0)
    torch.testing.assert_close(
        weights["std"].flatten().double(), pixels.std((0, 2, 3), correction=0), rtol=1e-5, atol=0
    )
    constants = {"model.mean": "[0.485,0.456,0.406]", "model.std": "[0.229,0.224,0.225]", "fit.epochs": "1"}
    given = load_file(train(tiny.with_values(constants), out=tmp_path / "given").best)
    torch.testing.assert_close(given["mean"].flatten() / 255, torch.tensor([0.485, 0.456, 0.406]))
    torch.testing.assert_close(given["std"].flatten() / 255, torch.tensor([0.229, 0.224, 0.225]))


def test_clipping_bounds_the_step(tiny: Experiment, tmp_path: Path) -> None:
    """An SGD step is at most lr × the clipped norm: the two steps of an epoch cannot move further than both."""
    changes = {"fit.optimizer.kind": "sgd", "fit.optimizer.lr": "1.0", "fit.epochs": "1"}
    seed_torch(0)
    start = Segmenter(Small().build(8), Small()).state_dict()

    def moved(clip: str) -> float:
        end = load_file(train(tiny.with_values({**changes, "fit.grad_clip_norm": clip}), out=tmp_path / clip).last)
        learned = [name for name in start if name.startswith("network") and name.endswith((".weight", ".bias"))]
        return math.sqrt(sum(float((end[name] - start[name]).double().square().sum()) for name in learned))

    assert 1e-3 < moved("1e-3") <= 2e-3 * (1 + 1e-4)
    assert moved("none") > 1e-2


@pytest.mark.parametrize("weights", ["none", "inverse", "complement"])
def test_an_epochs_loss_is_the_mean_over_its_pixels_not_over_its_batches(
    tiny: Experiment, tmp_path: Path, weights: str
) -> None:
    """A network that does not learn, evaluated on its own training images, in batches of 3, 3 and 2."""
    changes = {"loss.class_weights": weights, "fit.epochs": "1", "data.val_split": "train", "fit.batch_size": "3"}
    still = tiny.replace(model=Linear()).with_values({**changes, "fit.optimizer.lr": "1e-30"})
    record = train(still, out=tmp_path / "run").history()[0]
    assert record.train_loss == pytest.approx(record.val_loss, rel=1e-5)
    assert record.train_mean_iou == record.val_mean_iou
