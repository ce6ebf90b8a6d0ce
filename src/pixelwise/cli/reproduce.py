"""pixelwise reproduce."""

from pathlib import Path

from tyro.conf import Positional, UseAppendAction

from pixelwise.cli._arguments import values_of, with_seed
from pixelwise.cli._output import print_results


def command(
    report: Positional[str],
    systems: Positional[tuple[str, ...]] = (),
    data_root: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Train the systems of a published report, and compare their results with the published ones.

    The same command continues where it was stopped, and trains nothing twice.

    Args:
        report: kerr-voc2007, ai-idd, lian-voc2007, xiang-cityscapes or isayama-voc2012
        systems: some of its systems; else all whose numbers it prints
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: folder of the result and of each system's run; else runs/reproduce/<report>
        seed: seed of everything random, in every system; else the recipes'
        set: path=value, changes a field of every system that has it; may be repeated
    """
    from pixelwise.reporting.pages import summary_table
    from pixelwise.workflows.reproduce import reproduce

    done = reproduce(report, systems, with_seed(values_of(set), seed), data_root=data_root, out=out)
    markdown, page, numbers = done.files
    print_results(summary_table(done.result), f"page      {page}", f"markdown  {markdown}", f"numbers   {numbers}")
