"""Demo: two networks trained on synthetic scenes for the same time, evaluated, compared and reported."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise import recipes
from pixelwise.core.files import check_free
from pixelwise.data import find_data_root
from pixelwise.data.base import evenly_spaced
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.inference.predictor import Predictor
from pixelwise.metrics.scores import SplitResult
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.viz.prediction_grid import GridRow, save_prediction_grid
from pixelwise.workflows.compare import compare
from pixelwise.workflows.report import report

RECIPE, BASELINE = "shapes/scratch", "shapes/fcn"
SHOWN = 4
"""Test images of the figure."""


class Demo(NamedTuple):
    """Result of the demo.

    Attributes:
        results: Recipe -> scores on the test split; the reports' baseline first.
        report: HTML report of the better recipe's run.
        comparison: HTML page that compares both runs.
        figure: Test images with both predictions and the ground truth.
    """

    results: dict[str, SplitResult]
    report: Path
    comparison: Path
    figure: Path


def demo(out: Path | str | None = None, seed: int = 0) -> Demo:
    """Trains the reports' FCN and a better network on synthetic scenes for about 50 seconds each, and compares them.

    Args:
        out: Folder of the runs and pages, new or empty; None makes one below `runs/demo/`.
        seed: Seed of both trainings.

    Raises:
        RunError: `out` is not empty or cannot be written to.
        Interrupted: Ctrl-C.
    """
    folder = Path(out) if out else Run.new_path(Path("runs"), "demo", seed)
    check_free(folder, "a demo")
    better = recipes.get(RECIPE)
    baseline = recipes.get(BASELINE).replace(data=better.data)
    runs: dict[str, Run] = {}
    for experiment in (baseline, better):
        fit = experiment.fit.replace(minutes=better.fit.minutes, seed=seed)
        runs[experiment.name] = train(experiment.replace(fit=fit), out=folder / experiment.name.replace("/", "-"))
    return Demo(
        results={name: evaluate(run, "test") for name, run in runs.items()},
        report=report(runs[RECIPE], "test"),
        comparison=compare(list(runs.values()), "test", out=folder / "comparison").page,
        figure=_draw(runs, folder / "predictions.png"),
    )


def _draw(runs: dict[str, Run], path: Path) -> Path:
    data = runs[RECIPE].experiment.data
    split = data.build("test", find_data_root(None))
    predictors = {name: Predictor.load(run) for name, run in runs.items()}
    rows = []
    for index in evenly_spaced(len(split), SHOWN):
        image, labels, _ = split[index]
        pixels = image.permute(1, 2, 0).numpy()
        predictions = {name: predictor(pixels) for name, predictor in predictors.items()}
        rows.append(GridRow(pixels, predictions, labels.numpy().astype(np.uint8)))
    save_prediction_grid(rows, data.label_space, path)
    return path
