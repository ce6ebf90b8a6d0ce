"""Report of a run: one self-contained HTML page."""

from pathlib import Path

from PIL import Image as PilImage

from pixelwise.core.spec import Spec
from pixelwise.metrics.scores import MeanIou, SplitResult
from pixelwise.reporting.pages import embedded, environment


class Calibration(Spec):
    """Expected calibration error, before and after temperature scaling.

    Attributes:
        error: Expected calibration error, 0..1.
        temperature: Temperature; the logits are divided by it.
        error_after: Expected calibration error after temperature scaling.
        fitted_on: Split that the temperature was fitted on.
    """

    error: float
    temperature: float
    error_after: float
    fitted_on: str


class ClassRow(Spec):
    """One class in the table of classes.

    Attributes:
        name: Name of the class.
        color: Its color, in CSS.
        iou: IoU, 0..1; None if it is undefined.
        majority_baseline: IoU of the majority baseline.
        boundary: Boundary IoU.
        pixels: Share of the class in the valid pixels of the split, 0..1.
    """

    name: str
    color: str
    iou: float | None
    majority_baseline: float | None
    boundary: float | None
    pixels: float


class RunReport(Spec):
    """Contents of the report of a run. All files are relative to the run folder.

    Attributes:
        name: Name of the recipe.
        seed: Seed of the run.
        commands: Commands that train, evaluate and report the run again.
        result: Scores that the page is about.
        others: Other results of the run.
        data: Facts about the data: name -> text.
        training: Facts about the training: name -> text.
        machine: Facts about the machine: name -> text.
        classes: The classes, the highest IoU first.
        boundary: Boundary IoU.
        calibration: Calibration; None without a valid pixel.
        per_image: Mean IoU of the worst, the median and the best image; None if no image has one.
        figures: Heading -> file of a chart.
        images: Caption -> file of a contact sheet.
    """

    name: str
    seed: int
    commands: tuple[str, ...]
    result: SplitResult
    others: tuple[SplitResult, ...]
    data: dict[str, str]
    training: dict[str, str]
    machine: dict[str, str]
    classes: tuple[ClassRow, ...]
    boundary: MeanIou
    calibration: Calibration | None
    per_image: dict[str, float | None]
    figures: dict[str, str]
    images: dict[str, str]


def html(report: RunReport, folder: Path) -> str:
    """HTML page of a report, with embedded figures.

    Args:
        report: The contents.
        folder: The run folder.
    """
    data = embedded(folder, [*report.figures.values(), *report.images.values()])
    widths = {file: _width(folder / file) for file in report.figures.values()}
    return environment().get_template("run.html").render(run=report, data=data, widths=widths)


def _width(file: Path) -> int:
    """Width of a chart in CSS pixels at which its text has the font size that it was drawn with."""
    with PilImage.open(file) as picture:
        return int(96 * picture.width / picture.info["dpi"][0])
