"""pixelwise list."""

from typing import Literal

from tyro.conf import Positional

from pixelwise.cli._output import print_json, print_results


def command(what: Positional[Literal["recipes", "models", "losses", "datasets"]], json: bool = False) -> None:
    """List the available recipes, models, losses or data sets, with a line about each.

    Args:
        what: which names
        json: print them as JSON only
    """
    from pixelwise.reporting.tables import names_table
    from pixelwise.workflows.catalog import catalog

    rows = catalog(what)
    if json:
        print_json(rows)
    else:
        print_results(names_table(what, rows))
