"""The whole way once: train on shapes, judge on its test split."""

from pathlib import Path

from pixelwise import recipes
from pixelwise.engine.evaluate import evaluate
from pixelwise.engine.train import train
from pixelwise.runs import Run
from pixelwise.scores import SplitResult


def demo(out: Path | str | None = None, seed: int = 0) -> tuple[Run, SplitResult]:
    """Trains the baseline on made-up pictures for about a minute and judges it.

    Args:
        out: The run's folder, new or empty; None makes one below `runs/`.
        seed: The run's seed.

    Returns:
        The run, and its scores on the test split beside the trivial predictor's.
    """
    experiment = recipes.get("shapes/fcn").with_values({"fit.seed": str(seed)})
    run = train(experiment, out=out)
    return run, evaluate(run, split="test")
