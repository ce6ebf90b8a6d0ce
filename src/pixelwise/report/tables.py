"""Results as tables for a terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pixelwise.runs import SplitResult


def scores_table(result: SplitResult) -> Table:
    """Summary scores of a run beside the trivial predictor's."""
    table = Table(title=result.title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name, justify in (("", "left"), ("run", "right"), (f"all {result.trivial.predicts}", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for label, key in (
        (f"mean IoU ({result.classes_in_mean} classes)", "mean_iou"),
        ("pixel accuracy", "pixel_accuracy"),
        ("mean accuracy", "mean_accuracy"),
        ("frequency-weighted IoU", "frequency_weighted_iou"),
    ):
        table.add_row(label, _shown(getattr(result, key)), _shown(getattr(result.trivial, key)))
    table.add_row("loss", _shown(result.loss), "")
    table.add_section()
    for name, value in result.iou.items():
        table.add_row(f"IoU {name}", _shown(value), _shown(result.trivial.iou[name]))
    return table


def names_table(title: str, rows: dict[str, str]) -> Table:
    """Names with a line about each."""
    table = Table("name", "", title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name, about in rows.items():
        table.add_row(name, about)
    return table


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
