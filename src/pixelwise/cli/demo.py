"""pixelwise demo."""

from pathlib import Path

from pixelwise.cli._output import print_results


def command(out: Path | None = None, seed: int = 0) -> None:
    """Train, evaluate and compare two networks on synthetic scenes: no data, no download, about two minutes.

    Args:
        out: folder of the runs and pages, new or empty; else one below runs/demo/
        seed: seed of both trainings
    """
    from pixelwise.reporting.tables import systems_table
    from pixelwise.workflows.demo import demo

    done = demo(out, seed)
    print_results(
        systems_table(done.results),
        f"figure      {done.figure}",
        f"report      {done.report}",
        f"comparison  {done.comparison}",
        "\nNext, train on your own images: a folder with images/ and labels/ (see docs/own_data.md)\n"
        "  pixelwise train folder/fcn --data-root my_photos",
    )
