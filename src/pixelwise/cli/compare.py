"""pixelwise compare."""

from pathlib import Path

from tyro.conf import Positional

from pixelwise.cli._output import print_results


def command(
    runs: Positional[tuple[Path, ...]],
    split: str | None = None,
    data_root: Path | None = None,
    out: Path = Path("comparison"),
) -> None:
    """Compare runs with the first one: differences with confidence intervals; seeds of a recipe are grouped.

    Args:
        runs: two or more run folders
        split: name of the split; else test where all runs were evaluated on it, else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: folder of the page
    """
    from pixelwise.reporting.comparison_page import comparison_text
    from pixelwise.workflows.compare import compare

    done = compare(runs, split, data_root=data_root, out=out)
    print_results(comparison_text(done.result), f"\npage      {done.page}")
