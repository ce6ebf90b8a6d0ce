"""pixelwise evaluate."""

from pathlib import Path

from tyro.conf import Positional

from pixelwise.cli._output import print_json, print_results
from pixelwise.core.errors import InvalidSpec
from pixelwise.inference.options import InferenceOptions


def command(
    run: Positional[Path],
    split: str | None = None,
    data_root: Path | None = None,
    cross_check: bool = False,
    json: bool = False,
    options: InferenceOptions = InferenceOptions(),
) -> None:
    """Evaluate a run's best checkpoint on a split, at the images' original size.

    Args:
        run: run folder
        split: name of the split; else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        cross_check: show the scores of torchmetrics, scikit-learn and cityscapesScripts beside, where installed
        json: print the result as JSON only
        options: how predictions are computed; only results of torch in fp32 are stored
    """
    from pixelwise.evaluation.evaluate import evaluate
    from pixelwise.reporting.tables import reference_table, scores_table
    from pixelwise.run import Run
    from pixelwise.workflows.cross_check import cross_check as recompute

    if cross_check:
        if json or options != InferenceOptions():
            raise InvalidSpec("--cross-check evaluates plain predictions of torch in fp32: leave out the other flags.")
        found = recompute(run, split, data_root)
        print_results(*reference_table(found, list(next(iter(Run(run).results().values())).iou)))
        return
    result = evaluate(run, split, data_root=data_root, options=options)
    if json:
        print_json(result.model_dump(mode="json"))
        return
    sheet = Run(run).sheet(result.split, result.inference)
    stored = f"overlays  {sheet}" if options.is_reference else f"{options.backend}, {options.precision}: not stored"
    print_results(scores_table(result), stored)
