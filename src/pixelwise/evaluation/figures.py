"""Figures of a run: training curves, and predictions beside the ground truth."""

import numpy as np
from PIL import Image as PilImage

from pixelwise.core.files import make_folder
from pixelwise.data import SegmentationDataset
from pixelwise.data.base import evenly_spaced
from pixelwise.data.images import write_png
from pixelwise.inference.predictor import Predictor
from pixelwise.run import Run
from pixelwise.viz.contact_sheet import SheetRow, save_sheet
from pixelwise.viz.curves import save_curves
from pixelwise.viz.overlay import overlay, with_legend

SHOWN = 6


def draw_curves(run: Run) -> None:
    """Draws loss, mean IoU, accuracy and the IoU of the watched classes by epoch."""
    experiment = run.experiment
    history = [record.model_dump() for record in run.history()]
    title = f"{experiment.name}, seed {experiment.fit.seed}"
    save_curves(history, run.curves, title=title, classes=experiment.watch)


def draw_predictions(run: Run, predictor: Predictor, dataset: SegmentationDataset, split: str) -> None:
    """Draws some images of a split, evenly spaced over it: an overlay of each, and a contact sheet of all.

    The overlays are `<split>/<id>.png` below the run's `overlays/`, the sheet is `<split>.png`; with test-time
    augmentation or sliding windows, both have names of their own.
    """
    inference, rows = predictor.options.text, []
    sheet = run.sheet(split, inference)
    folder = sheet.with_suffix("")
    make_folder(folder)
    for index in evenly_spaced(len(dataset), SHOWN):
        sample = dataset[index]
        image = sample.image.permute(1, 2, 0).numpy()
        predicted = predictor(image)
        rows.append(SheetRow(sample.id, image, predicted, sample.labels.numpy().astype(np.uint8)))
        blended = with_legend(overlay(image, predicted, predictor.label_space), predicted, predictor.label_space)
        write_png(folder / f"{sample.id}.png", PilImage.fromarray(blended))
    title = ", ".join(filter(None, (split, f"epoch {predictor.epoch}", inference)))
    save_sheet(rows, predictor.label_space, sheet, title=title)
