"""A comparison for a person: as a page by itself, and for a terminal."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pixelwise.report.comparison import Comparison, Entry
from pixelwise.report.pages import embedded, environment, number, signed


def html(result: Comparison, folder: Path) -> str:
    """The page.

    Args:
        result: What to show.
        folder: Below which its pictures lie.
    """
    data = embedded(folder, [*result.intervals.values(), *result.pictures.values()])
    return environment().get_template("comparison.html").render(result=result, data=data)


def comparison_table(result: Comparison) -> Table:
    """Mean IoU of each group, and what can be said of its difference to the first."""
    title = f"mean IoU, {result.split} split, {result.images} images"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column(overflow="fold")
    for name in ("seeds", "mean IoU", "difference", f"{100 * result.level:.0f}% interval", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for column in result.columns:
        entry = column.mean_iou
        table.add_row(
            column.name,
            str(len(column.seeds)),
            shown(entry),
            signed(entry.difference),
            interval(entry),
            entry.verdict or "",
        )
    return table


def shown(entry: Entry) -> str:
    """The value, with its spread over seeds."""
    return number(entry.value) + (f" ± {entry.spread:.4f}" if entry.spread is not None else "")


def interval(entry: Entry) -> str:
    """The difference's interval."""
    return "" if entry.low is None or entry.high is None else f"{signed(entry.low)} … {signed(entry.high)}"
