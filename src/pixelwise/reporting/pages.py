"""Pages of a reproduction in Markdown, HTML and the terminal, and the template environment of all pages."""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

import jinja2
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pixelwise.reporting.reproduction import Reproduction


def markdown(result: Reproduction) -> str:
    """Markdown page of a reproduction. It links to the figures in the folder."""
    return _render("reproduction.md", result, {})


def html(result: Reproduction, folder: Path) -> str:
    """HTML page of a reproduction, with embedded figures.

    Args:
        result: The reproduction.
        folder: Folder that the paths of its figures are relative to.
    """
    pictures = [*result.pictures, *result.curves()]
    return _render("reproduction.html", result, embedded(folder, (picture.file for picture in pictures)))


def summary_table(result: Reproduction) -> Table:
    """Published and measured mean IoU of each system."""
    report = result.published
    split = "split not stated" if report.split == "unstated" else report.split
    table = Table(title=f"{result.report}: mean IoU, {split}", box=SIMPLE_HEAD, title_justify="left")
    table.title_style = "bold"
    table.add_column("system")
    for name in ("published", "measured", "difference"):
        table.add_column(name, justify="right")
    named = [(row.system, row.values) for row in result.rows]
    for name, values in [*named, *result.majority_baseline.items()]:
        (value,) = (v for v in values if v.split == report.split and v.metric == "mean_iou")
        table.add_row(name, number(value.published), number(value.measured), signed(value.difference))
    return table


def number(value: float | None) -> str:
    """A score with four decimals; a dash for None."""
    return "–" if value is None else f"{value:.4f}"


def signed(value: float | None) -> str:
    """A difference with its sign and four decimals; a dash for None."""
    return "–" if value is None else f"{value:+z.4f}".replace("-", "−")


def share(part: float) -> str:
    """A share in percent; 0 only if it is exactly 0."""
    if part == 0:
        return "0"
    return f"{100 * part:.2f}%" if part >= 0.00005 else "<0.01%"


def embedded(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """File -> its content as base64.

    Args:
        folder: Folder that the files are relative to.
        files: PNG files.
    """
    return {file: base64.b64encode((folder / file).read_bytes()).decode() for file in files}


def _cell(value: str) -> str:
    """Escapes a text for a cell of a Markdown table."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\").replace("|", "\\|")
    return " ".join(escaped.split())


def _render(template: str, result: Reproduction, data: Mapping[str, str]) -> str:
    return environment().get_template(template).render(result=result, report=result.published, data=data)


def environment() -> jinja2.Environment:
    """Jinja environment with the templates of this package and the filters that format numbers."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("pixelwise.reporting"), autoescape=jinja2.select_autoescape(), trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters |= {"number": number, "signed": signed, "share": share, "cell": _cell}
    return templates
