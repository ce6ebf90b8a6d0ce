"""pixelwise demo."""

from pathlib import Path

from pixelwise.cli._output import print_results


def command(out: Path | None = None, seed: int = 0) -> None:
    """Train, evaluate and compare two small networks on synthetic images: no data, no download, about two minutes.

    Args:
        out: folder of the runs and the report, new or empty; else one below runs/
        seed: seed of everything random
    """
    from pixelwise.reporting.tables import scores_table
    from pixelwise.workflows.demo import demo

    run, result = demo(out, seed)
    print_results(scores_table(result))
    print_results(f"run       {run.path}", f"curves    {run.curves}", f"overlays  {run.sheet('test')}")
