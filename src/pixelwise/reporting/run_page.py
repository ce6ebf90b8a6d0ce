"""A run for a person: one page that needs nothing beside it."""

from pathlib import Path

from PIL import Image as PilImage

from pixelwise.core.spec import Spec
from pixelwise.metrics.scores import MeanIou, SplitResult
from pixelwise.reporting.pages import embedded, environment


class Calibration(Spec):
    """How sure the network is, against how right it is.

    Attributes:
        error: Expected calibration error, 0..1.
        temperature: By which logits are to be divided.
        error_after: The error then.
        fitted_on: The split that the temperature was fitted on.
    """

    error: float
    temperature: float
    error_after: float
    fitted_on: str


class ClassRow(Spec):
    """One class of the chart; the best first.

    Attributes:
        name: The class.
        color: Its own, as CSS has it.
        iou: 0..1 or None.
        majority_baseline: IoU of the majority baseline.
        boundary: Boundary IoU.
        pixels: Share of the split's valid pixels.
    """

    name: str
    color: str
    iou: float | None
    majority_baseline: float | None
    boundary: float | None
    pixels: float


class RunReport(Spec):
    """What the page shows.

    Attributes:
        name: The recipe.
        seed: The run's.
        commands: That train, evaluate and show it again.
        result: Scores on the split that the page is about.
        others: Other results of the run.
        data: Facts about the data, a name and a text each.
        training: Facts about the training.
        machine: Facts about where it ran, and how fast.
        classes: The chart.
        boundary: Boundary IoU.
        calibration: None where no pixel is valid.
        per_image: Mean IoU of the worst, the median and the best image.
        figures: Caption -> picture's file, for the charts.
        images: Caption -> picture's file, for the images.
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
    per_image: dict[str, float]
    figures: dict[str, str]
    images: dict[str, str]


def html(report: RunReport, folder: Path) -> str:
    """The page.

    Args:
        report: What to show.
        folder: Below which its pictures lie.
    """
    data = embedded(folder, [*report.figures.values(), *report.images.values()])
    widths = {file: _width(folder / file) for file in report.figures.values()}
    return environment().get_template("run.html").render(run=report, data=data, widths=widths)


def _width(file: Path) -> int:
    """How wide a chart is on a page, for its letters to be of the size that they were drawn in."""
    with PilImage.open(file) as picture:
        return int(96 * picture.width / picture.info["dpi"][0])
