"""The Predictor: read → normalise → pad → network → crop → class map, at the image's original size.

Judging, predicting and everything that shows a prediction goes through it, so all of them see the same pixels.
"""

import os
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image as PilImage
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.errors import BadData
from pixelwise.core.files import check_free, make_folder
from pixelwise.core.labels import LabelSpace
from pixelwise.data.files import list_files
from pixelwise.data.images import IMAGE_SUFFIXES, label_picture, read_image, write_png
from pixelwise.data.transforms import Size, resize_image
from pixelwise.engine.checkpoint import load_weights
from pixelwise.engine.precision import MEMORY_FORMATS, pick_device
from pixelwise.engine.progress import track
from pixelwise.experiment import Experiment
from pixelwise.models import Segmenter
from pixelwise.runs import Run
from pixelwise.viz.overlay import overlay, with_legend


class Predictor:
    """A trained network as a function from images to class maps.

    Args:
        model: The network in its frame, on its device.
        experiment: What it was trained as; decides the classes and the size that images are brought to.
    """

    def __init__(self, model: Segmenter, experiment: Experiment) -> None:
        self.model = model
        self.space: LabelSpace = experiment.data.label_space
        self.size: Size | None = experiment.size
        self._format = MEMORY_FORMATS[experiment.fit.memory_format]
        self.epoch = 0

    @classmethod
    def load(cls, run: Run | Path | str, device: str = "auto") -> "Predictor":
        """The best checkpoint of a run.

        Raises:
            RunError: The folder is no run, is incomplete, damaged, or newer than this version.
            InvalidSpec: The device is not there.
        """
        run = Run.open(run.path if isinstance(run, Run) else run)
        experiment = Experiment.from_json(run.experiment_json())
        model = Segmenter(experiment.model.build(experiment.data.label_space.num_classes), experiment.model)
        epoch = load_weights(run.best, model)
        model.to(torch.device(pick_device(device))).to(memory_format=MEMORY_FORMATS[experiment.fit.memory_format])
        predictor = cls(model, experiment)
        predictor.epoch = epoch
        return predictor

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W"]:
        """Class ids of one RGB image, at its own size."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
        classes: UInt8[np.ndarray, "H W"] = self.logits([pixels])[0].argmax(0).to(torch.uint8).cpu().numpy()
        return classes

    @torch.inference_mode()
    def logits(self, images: Sequence[UInt8[Tensor, "3 _ _"]]) -> list[Float[Tensor, "_ _ _"]]:
        """Logits of several images in fp32, each at its original size. Neighbours of one size share a batch."""
        self.model.eval()
        device = self.model.mean.device
        resized = [resize_image(image, self.size) if self.size else image for image in images]
        found: list[Tensor] = []
        for _, group in groupby(resized, lambda image: image.shape):
            batch = torch.stack(list(group)).to(device).contiguous(memory_format=self._format)
            found.extend(self.model(batch).float())
        return [_to_size(logits, image.shape[1:]) for logits, image in zip(found, images, strict=True)]


def load(run: Run | Path | str, device: str = "auto") -> Predictor:
    """The best checkpoint of a run as a function from images to class maps; see `Predictor.load`."""
    return Predictor.load(run, device)


def _to_size(logits: Float[Tensor, "K h w"], size: torch.Size) -> Float[Tensor, "K H W"]:
    """Brings logits, not classes, to the original size: borders stay smooth."""
    if logits.shape[1:] == size:
        return logits
    return F.interpolate(logits[None], list(size), mode="bilinear", align_corners=False)[0]


class Prediction(NamedTuple):
    """What was written for one image."""

    image: Path
    labels: Path
    overlay: Path


class Broken(NamedTuple):
    """An image that was passed over, and a sentence that says why."""

    image: Path
    why: str


class Predictions(NamedTuple):
    """What became of the images that were to be predicted.

    Attributes:
        written: The images that were predicted, with what was written for each.
        broken: The images that could not be read; nothing was written for them.
        seconds: Wall time of reading, predicting and writing, without the time that loading the network took.
    """

    written: list[Prediction]
    broken: list[Broken]
    seconds: float

    @property
    def speed(self) -> str:
        """How many images were written in which time, in words."""
        count = len(self.written)
        rate = count / max(self.seconds, 1e-9)
        return f"{count} image{'s' * (count != 1)} in {self.seconds:.1f} s ({rate:.1f} images/s)"


def predict(run: Run | Path | str, paths: Iterable[Path | str], out: Path | str, device: str = "auto") -> Predictions:
    """Predicts image files and folders of them. An image that cannot be read does not stop the others.

    A folder is searched with its sub-folders, whose structure is kept; hidden files are passed over. For each image, at
    its own size as a person sees it, `out/labels/….png` holds the raw ids with the data set's palette,
    `out/overlays/….png` the overlay with a legend.

    Args:
        run: The run whose best checkpoint predicts.
        paths: Image files and folders.
        out: A new or empty folder.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Returns:
        What was written, and what was not: look at `broken`.

    Raises:
        RunError: The run cannot be used, or `out` is not empty or cannot be written to.
        BadData: A path does not exist or holds no image, or two images would share a name.
        InvalidSpec: The device is not there.
    """
    targets = _targets([Path(p) for p in paths])
    predictor = Predictor.load(run, device)
    out = Path(out)
    check_free(out, "a prediction")
    done = Predictions([], [], 0)
    start = time.perf_counter()
    for name, source in track(targets.items(), "predicting"):
        try:
            pixels = read_image(source).permute(1, 2, 0).numpy()
        except BadData as e:
            done.broken.append(Broken(source, str(e)))
        else:
            done.written.append(_predict_image(predictor, source, pixels, out, name))
    return done._replace(seconds=time.perf_counter() - start)


def _predict_image(
    predictor: Predictor, source: Path, pixels: UInt8[np.ndarray, "H W 3"], out: Path, name: Path
) -> Prediction:
    classes = predictor(pixels)
    blended = with_legend(overlay(pixels, classes, predictor.space), classes, predictor.space)
    written = Prediction(source, out / "labels" / name, out / "overlays" / name)
    make_folder(written.labels.parent)
    make_folder(written.overlay.parent)
    write_png(written.labels, label_picture(classes, predictor.space))
    try:
        write_png(written.overlay, PilImage.fromarray(blended))
    except BaseException:  # a full disk, Ctrl-C: an image has both files or none
        written.labels.unlink(missing_ok=True)
        raise
    return written


def _targets(paths: Sequence[Path]) -> dict[Path, Path]:
    """Name of the output below its folder -> image file. A file that is named twice is predicted once.

    Raises:
        BadData: A path does not exist or holds no image, or two images would share a name.
    """
    targets: dict[Path, Path] = {}
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110  # Path's own raises where a name is too long
            raise BadData(f"{path}: there is no such file or folder.")
        files = list_files(path, IMAGE_SUFFIXES) if path.is_dir() else {_stem(path): path}
        if not files:
            raise BadData(f"{path} holds no image; known endings: {', '.join(IMAGE_SUFFIXES)}.")
        for stem, file in files.items():
            name = Path(f"{stem}.png")
            if targets.setdefault(name, file) != file:
                raise BadData(
                    f"{targets[name]} and {file} would both become {name}; rename one of them, or predict it alone into"
                    " another --out."
                )
    return targets


def _stem(file: Path) -> str:
    """A file's name without an image's ending, and with all other dots: of numbered frames they are the number's."""
    return file.stem if file.suffix.lower() in IMAGE_SUFFIXES else file.name
