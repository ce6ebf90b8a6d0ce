"""Tables of results for the terminal."""

from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pixelwise.data.statistics import Color, DatasetStatistics, Survey
from pixelwise.metrics.scores import SplitResult


def scores_table(result: SplitResult) -> Table:
    """Scores of a run beside those of the majority baseline."""
    table = Table(title=result.title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name, justify in (("", "left"), ("run", "right"), (f"all {result.majority_baseline.predicts}", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for label, key in (
        (f"mean IoU ({result.classes_in_mean} classes)", "mean_iou"),
        ("pixel accuracy", "pixel_accuracy"),
        ("mean accuracy", "mean_accuracy"),
        ("frequency-weighted IoU", "frequency_weighted_iou"),
    ):
        table.add_row(label, _shown(getattr(result, key)), _shown(getattr(result.majority_baseline, key)))
        if key == "mean_iou" and result.mean_iou_ci95:
            table.add_row("  95% interval", "–".join(map(_shown, result.mean_iou_ci95)), "")
        if key == "mean_iou" and result.official:
            label = f"mean IoU, official ({result.official.classes_in_mean} classes)"
            table.add_row(label, _shown(result.official.mean_iou), "")
    table.add_row("loss", _shown(result.loss), "")
    table.add_section()
    for name, value in result.iou.items():
        table.add_row(f"IoU {name}", _shown(value), _shown(result.majority_baseline.iou[name]))
    for grouping, found in result.groups.items():
        table.add_section()
        table.add_row(f"mean IoU, {grouping} ({found.classes_in_mean} groups)", _shown(found.mean_iou), "")
        for name, value in found.iou.items():
            table.add_row(f"IoU {name}", _shown(value), "")
    return table


def systems_table(results: Mapping[str, SplitResult]) -> Table:
    """Scores of several systems on one split, beside the majority baseline.

    Args:
        results: System -> scores; all on the same images.
    """
    first = next(iter(results.values()))
    title = f"{first.split} split, {first.size}"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("")
    for name in (f"all {first.majority_baseline.predicts}", *results):
        table.add_column(name, justify="right")
    columns = [first.majority_baseline, *results.values()]
    table.add_row("mean IoU", *(_shown(column.mean_iou) for column in columns), style="bold")
    table.add_row("pixel accuracy", *(_shown(column.pixel_accuracy) for column in columns))
    table.add_section()
    for name in first.iou:
        table.add_row(f"IoU {name}", *(_shown(column.iou[name]) for column in columns))
    return table


def reference_table(
    found: Sequence[tuple[str, str, float, Sequence[float]]], classes: Sequence[str]
) -> tuple[Table, str]:
    """Scores of several libraries side by side, and the libraries' definitions of the mean IoU.

    Args:
        found: Library, definition, mean IoU, and IoU of each class.
        classes: Names of the classes.
    """
    table = Table(title="IoU by library", box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("", overflow="fold")
    for library, *_ in found:
        table.add_column(library, justify="right", overflow="fold")
    table.add_row("mean IoU", *(_shown(mean) for _, _, mean, _ in found))
    table.add_section()
    for index, name in enumerate(classes):
        table.add_row(name, *(_shown(iou[index]) for *_, iou in found))
    return table, "\n".join(f"{library}: {definition}" for library, definition, *_ in found)


def certificate_table(found: Mapping[str, Any]) -> Table:
    """Scores, times and sizes of an export beside those of its run."""
    title = f"{found['to']}, {found['precision']}: {found['images']} images of {found['split']}"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in ("", "run", "export", "allowed"):
        table.add_column(name, justify="right" if name else "left")
    lost = f"−{found['bound_lost_mean_iou']:.3f}"
    table.add_row("mean IoU", _shown(found["mean_iou"]), _shown(found["mean_iou_exported"]), lost)
    table.add_row(
        "pixels with another class", "", _percent(found["changed_pixels"]), f"{100 * found['bound_changed_pixels']:g}%"
    )
    table.add_row("milliseconds per image", f"{found['milliseconds']:.1f}", f"{found['milliseconds_exported']:.1f}", "")
    table.add_row("MB", f"{found['bytes_run'] / 1e6:.1f}", f"{found['bytes_exported'] / 1e6:.1f}", "")
    table.caption, table.caption_justify = f"measured on {found['machine']}", "left"
    return table


def names_table(title: str, rows: dict[str, str]) -> Table:
    """Names with a line about each.

    Args:
        title: Title of the table.
        rows: Name -> description.
    """
    table = Table("name", "", title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name, about in rows.items():
        table.add_row(name, about)
    return table


def statistics_tables(result: DatasetStatistics) -> tuple[Table, Table]:
    """Table of the splits and table of the classes of a data set."""
    splits = Table(title=result.dataset, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in ("split", "images", "size", "void", "mean RGB", "std RGB"):
        splits.add_column(name)
    for split, survey in result.splits.items():
        found, published = survey.statistics, result.published_images.get(split, 0)
        images = f"{found.images}\nsubset of {published}" if found.images < published else str(found.images)
        colors = _color(found.mean), _color(found.std)
        splits.add_row(split, images, _sizes(survey), _percent(survey.void_share), *colors)
    for split, parts in result.unions.items():
        splits.add_row(split, " + ".join(parts))
    for split in result.not_there:
        splits.add_row(split, "missing")

    classes = Table(title="share of valid pixels, and number of images with the class", box=SIMPLE_HEAD)
    classes.title_justify, classes.title_style = "left", "bold"
    classes.add_column("class")
    for split in result.splits:
        classes.add_column(split, justify="right")
        classes.add_column("images", justify="right")
    columns = [column for s in result.splits.values() for column in (map(_percent, s.shares), map(str, s.class_images))]
    for cells in zip(result.label_space.names, *columns, strict=True):
        classes.add_row(*cells)
    return splits, classes


def _sizes(survey: Survey) -> str:
    """Image sizes with their number of images; with more than three sizes, range and median of width and height."""
    if len(survey.sizes) <= 3:
        return "\n".join(size if len(survey.sizes) == 1 else f"{size} ({n})" for size, n in survey.sizes.items())
    sides = [[int(side) for side in size.split("x")] for size, n in survey.sizes.items() for _ in range(n)]
    widths, heights = zip(*sides, strict=True)
    return (
        f"{len(survey.sizes)} sizes:\n{min(widths)}–{max(widths)} x {min(heights)}–{max(heights)}\n"
        f"median {median_low(widths)}x{median_low(heights)}"
    )


def _color(color: Color) -> str:
    return " ".join(f"{value:.3f}" for value in color)


def _percent(share: float) -> str:
    """A share in percent; 0 only if it is exactly 0."""
    if share == 0:
        return "0"
    return f"{100 * share:.3f}%" if share >= 0.000005 else "<0.001%"


def _shown(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.4f}"
