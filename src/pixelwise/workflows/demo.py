"""The whole way once: train on shapes, evaluate on its test split."""

from pathlib import Path

from pixelwise import recipes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.metrics.scores import SplitResult
from pixelwise.run import Run
from pixelwise.training.loop import train


def demo(out: Path | str | None = None, seed: int = 0) -> tuple[Run, SplitResult]:
    """Trains the baseline on made-up pictures for about a minute and evaluates it.

    Args:
        out: The run's folder, new or empty; None makes one below `runs/`.
        seed: The run's seed.

    Returns:
        The run, and its scores on the test split beside the trivial predictor's.
    """
    experiment = recipes.get("shapes/fcn").with_values({"fit.seed": str(seed)})
    run = train(experiment, out=out)
    return run, evaluate(run, split="test")
