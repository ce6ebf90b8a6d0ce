"""The Predictor: resize → normalise → pad → network → crop → class map, at the image's original size.

Judging, predicting and everything that shows a prediction goes through it, so all of them see the same pixels. It may
look at an image several times (`engine/views.py`), which each way to it has to ask for.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from pixelwise.core.labels import LabelSpace
from pixelwise.data import SegmentationDataset, find_data_root
from pixelwise.data.base import evenly_spaced
from pixelwise.data.transforms import Size, resize_image
from pixelwise.engine.backends import Backend, BackendName, PredictPrecision, make_backend
from pixelwise.engine.backends.torch import TorchBackend
from pixelwise.engine.checkpoint import load_weights
from pixelwise.engine.precision import MEMORY_FORMATS, pick_device
from pixelwise.engine.views import PLAIN, Views, in_windows, mean_of, scaled
from pixelwise.experiment import Experiment
from pixelwise.metrics.confusion import predicted
from pixelwise.models import Segmenter
from pixelwise.runs import Run

TYPICAL = 64
"""Images from which the range or the statistics of what layers are given is taken."""


class Segmented(NamedTuple):
    """What was found in an image.

    Attributes:
        classes: Class ids.
        confidence: The softmax probability of each pixel's class, in 255ths, where it was asked for and can be told.
    """

    classes: UInt8[np.ndarray, "H W"]
    confidence: UInt8[np.ndarray, "H W"] | None


class Predictor:
    """A trained network as a function from images to class maps.

    Args:
        model: The network in its frame, on its device.
        experiment: What it was trained as; decides the classes and the size that images are brought to.
        backend: What computes the logits; torch, in fp32, if none is given.
        views: How often each image is looked at, and how.

    Attributes:
        lanes: How many threads at a time may call it; for one it does not matter which.
    """

    def __init__(
        self, model: Segmenter, experiment: Experiment, backend: Backend | None = None, views: Views = PLAIN
    ) -> None:
        self.model = model
        self.space: LabelSpace = experiment.data.label_space
        self.size: Size | None = experiment.size
        self._format = MEMORY_FORMATS[experiment.fit.memory_format]
        self.views = views
        backend = backend or TorchBackend(model)
        self._backend = in_windows(backend, views.window) if views.window else backend
        self.lanes: int = getattr(backend, "lanes", 1)
        self.epoch = 0

    @classmethod
    def load(
        cls,
        run: Run | Path | str,
        device: str = "auto",
        backend: BackendName = "torch",
        precision: PredictPrecision = "fp32",
        data_root: Path | str | None = None,
        bulk: bool = False,
        views: Views = PLAIN,
    ) -> "Predictor":
        """The best checkpoint of a run.

        Args:
            run: The run.
            device: `auto`, `cpu`, `cuda` or `mps`; backends other than torch compute on the processor.
            backend: What computes.
            precision: In what it computes. `int8` looks at training images first, which takes a while.
            data_root: Where those lie; None takes PIXELWISE_DATA, else ./data.
            bulk: Whether many images are to come: as many threads as it has `lanes` should then call it.
            views: How often each image is looked at, and how; their mean probability is what it predicts by.

        Raises:
            RunError: The folder is no run, is incomplete, damaged, or newer than this version.
            InvalidSpec: The device is not there, the backend cannot be used, or the network takes no such windows.
            DatasetNotFound: `int8`, and the training images are not there.
        """
        run = Run.open(run.path if isinstance(run, Run) else run)
        experiment = Experiment.from_json(run.experiment_json())
        views.check(experiment.model)
        model = Segmenter(experiment.model.build(experiment.data.label_space.num_classes), experiment.model)
        epoch = load_weights(run.best, model)
        place = torch.device(pick_device(device) if backend == "torch" else "cpu")
        model.to(place).to(memory_format=MEMORY_FORMATS[experiment.fit.memory_format])
        images: list[UInt8[Tensor, "1 3 _ _"]] = []
        if precision == "int8":
            split = experiment.data.build(experiment.data.train_split, find_data_root(data_root))
            images = typical_images(split, experiment.size)
        predictor = cls(model, experiment, make_backend(backend, model, precision, images, bulk), views)
        predictor.epoch = epoch
        return predictor

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W"]:
        """Class ids of one RGB image, at its own size."""
        return self.classes([image])[0]

    def classes(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> list[UInt8[np.ndarray, "_ _"]]:
        """Class ids of several RGB images, each at its own size."""
        return [found.classes for found in self.segment(images)]

    def segment(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], confidence: bool = False) -> list[Segmented]:
        """Class ids of several RGB images, each at its own size, and how sure the network is of them."""
        pixels = [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) for image in images]
        return [
            Segmented(
                _uint8(predicted(logits)), _uint8((255 * logits.softmax(0).amax(0)).round()) if confidence else None
            )
            for logits in self.logits(pixels)
        ]

    @torch.inference_mode()
    def logits(self, images: Sequence[UInt8[Tensor, "3 _ _"]]) -> list[Float[Tensor, "_ _ _"]]:
        """Logits of several images in fp32, each at its original size. Neighbours of one size share a batch.

        Where there are several views, the softmax of these logits is the mean of the views' softmax.
        """
        self.model.eval()
        return mean_of(self._view(images, scale, mirrored) for scale, mirrored in self.views.each())

    def _view(
        self, images: Sequence[UInt8[Tensor, "3 _ _"]], scale: float, mirrored: bool
    ) -> list[Float[Tensor, "_ _ _"]]:
        """Logits by one view, each at its image's original size."""
        resized = [resize_image(image, scaled(self.size or image.shape[1:], scale)) for image in images]
        found: list[Tensor] = []
        for _, group in groupby(resized, lambda image: image.shape):
            batch = torch.stack(list(group))
            batch = batch.flip(3) if mirrored else batch
            logits = self._backend(batch.contiguous(memory_format=self._format))
            found.extend(logits.flip(3) if mirrored else logits)
        return [_to_size(logits, image.shape[1:]) for logits, image in zip(found, images, strict=True)]


def load(run: Run | Path | str, device: str = "auto") -> Predictor:
    """The best checkpoint of a run as a function from images to class maps; see `Predictor.load`."""
    return Predictor.load(run, device)


def typical_images(split: SegmentationDataset, size: Size | None) -> list[UInt8[Tensor, "1 3 _ _"]]:
    """Images as the network sees them, evenly spaced over the split, each a batch of one."""
    images = [split[index].image for index in evenly_spaced(len(split), TYPICAL)]
    return [(resize_image(image, size) if size else image)[None] for image in images]


def _uint8(values: Tensor) -> UInt8[np.ndarray, "H W"]:
    found: UInt8[np.ndarray, "H W"] = values.to(torch.uint8).cpu().numpy()
    return found


def _to_size(logits: Float[Tensor, "K h w"], size: torch.Size) -> Float[Tensor, "K H W"]:
    """Brings logits, not classes, to the original size: borders stay smooth."""
    if logits.shape[1:] == size:
        return logits
    planes = logits.contiguous()[None]  # a processor resizes plane by plane in a seventh of its time for channels last
    return F.interpolate(planes, list(size), mode="bilinear", align_corners=False)[0]
