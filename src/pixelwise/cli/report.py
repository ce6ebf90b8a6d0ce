"""pixelwise report."""

from pathlib import Path

from tyro.conf import Positional

from pixelwise.cli._output import print_results
from pixelwise.inference.options import InferenceOptions


def command(
    run: Positional[Path],
    split: str | None = None,
    data_root: Path | None = None,
    out: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> None:
    """Write the report of a run: scores, confusion matrix, calibration, worst and best images. One HTML file.

    Args:
        run: run folder
        split: name of the split; else test where it was evaluated, else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: the HTML file; else report.html in the run folder
        options: how predictions are computed; torch in fp32 only
    """
    from pixelwise.workflows.report import report

    print_results(f"page      {report(run, split, data_root=data_root, out=out, options=options)}")
