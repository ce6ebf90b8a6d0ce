"""pixelwise export."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from pixelwise.cli._output import print_results
from pixelwise.inference.options import InferenceOptions


def command(
    run: Positional[Path],
    to: Literal["onnx", "openvino", "torch"],
    data_root: Path | None = None,
    out: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> None:
    """Export a run for other programs: pixels in, classes out, with its accuracy measured on the validation split.

    Args:
        run: run folder
        to: format
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: a new or empty folder; else exports/<format> in the run folder
        options: only --precision applies: fp32, or int8 with openvino
    """
    from pixelwise.reporting.tables import certificate_table
    from pixelwise.workflows.export import export

    done = export(run, to, data_root=data_root, out=out, options=options)
    print_results(certificate_table(done.certificate.model_dump()), f"export    {done.folder}")
