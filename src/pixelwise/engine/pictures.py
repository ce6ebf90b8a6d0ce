"""A run's pictures: curves of its history, and predictions beside the truth."""

import numpy as np
from PIL import Image as PilImage

from pixelwise.core.files import make_folder
from pixelwise.data import SegmentationDataset
from pixelwise.data.base import evenly_spaced
from pixelwise.data.images import write_png
from pixelwise.engine.predictor import Predictor
from pixelwise.experiment import Experiment
from pixelwise.runs import Run
from pixelwise.viz.curves import save_curves
from pixelwise.viz.overlay import overlay, with_legend
from pixelwise.viz.sheets import SheetRow, save_sheet

SHOWN = 6


def draw_curves(run: Run, experiment: Experiment) -> None:
    """Draws loss, mean IoU, accuracy and the watched classes' IoU by epoch."""
    history = [record.model_dump() for record in run.history()]
    title = f"{experiment.name}, seed {experiment.fit.seed}"
    save_curves(history, run.curves, title=title, classes=experiment.watch)


def draw_predictions(run: Run, predictor: Predictor, dataset: SegmentationDataset, split: str) -> None:
    """Draws some images of a split, evenly spaced over it: an overlay of each, and one sheet of all.

    The overlays are `<split>/<id>.png` below the run's folder of pictures, the sheet is `<split>.png`; by
    several views both have names of their own.
    """
    views, rows = predictor.views.text, []
    sheet = run.sheet(split, views)
    folder = sheet.with_suffix("")
    make_folder(folder)
    for index in evenly_spaced(len(dataset), SHOWN):
        sample = dataset[index]
        image = sample.image.permute(1, 2, 0).numpy()
        predicted = predictor(image)
        rows.append(SheetRow(sample.id, image, predicted, sample.labels.numpy().astype(np.uint8)))
        blended = with_legend(overlay(image, predicted, predictor.space), predicted, predictor.space)
        write_png(folder / f"{sample.id}.png", PilImage.fromarray(blended))
    title = ", ".join(filter(None, (split, f"epoch {predictor.epoch}", views)))
    save_sheet(rows, predictor.space, sheet, title=title)
