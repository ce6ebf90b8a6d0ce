"""Results of the current best checkpoint, evaluated only where the run folder does not have them."""

from pathlib import Path

from pixelwise.evaluation.evaluate import evaluate
from pixelwise.inference.options import InferenceOptions
from pixelwise.metrics.scores import SplitResult
from pixelwise.run import Run


def result_of(
    run: Run, split: str, *, data_root: Path | str | None = None, options: InferenceOptions = InferenceOptions()
) -> SplitResult:
    """Result of a run's best checkpoint on a split: the stored one, or that of a new evaluation.

    A stored result of an earlier epoch is replaced: training may have continued after it was evaluated.

    Args:
        run: The run.
        split: Name of the split.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        options: How predictions are computed, by torch in fp32: other results are not stored.

    Raises:
        RunError: The run cannot be used.
        InvalidSpec: The data set has no such split, the device is not available, or the network does not accept such
            windows.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    stored = run.all_results().get(options.result_name(split))
    best = max((record.epoch for record in run.history() if record.best), default=None)
    if stored is None or stored.epoch != best:
        return evaluate(run, split, data_root=data_root, options=options)
    return stored
