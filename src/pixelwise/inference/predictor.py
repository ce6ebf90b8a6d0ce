"""Predictor: resize → normalize → pad → network → crop → class map, at the image's original size.

Evaluation, prediction and everything that shows predictions use it, so that all of them see the same pixels.
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

from pixelwise.core.label_space import LabelSpace
from pixelwise.data import SegmentationDataset, find_data_root
from pixelwise.data.base import evenly_spaced
from pixelwise.data.transforms import Size, resize_image
from pixelwise.experiment import Experiment
from pixelwise.inference.backends import Backend, make_backend
from pixelwise.inference.backends.torch import TorchBackend
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.runtime import MEMORY_FORMATS, pick_device
from pixelwise.inference.sliding_window import SlidingWindow, check_window
from pixelwise.inference.tta import TestTimeAugmentation, mean_of, scaled
from pixelwise.inference.weights import load_weights
from pixelwise.metrics.confusion import predicted
from pixelwise.models import Segmenter
from pixelwise.run import Run

CALIBRATION_IMAGES = 64
"""Images from which the range of activations or the statistics of BatchNorm layers are taken."""


class Segmented(NamedTuple):
    """Prediction for an image.

    Attributes:
        classes: Class ids.
        confidence: Softmax probability of each pixel's class, in 255ths, where it was requested and is available.
    """

    classes: UInt8[np.ndarray, "H W"]
    confidence: UInt8[np.ndarray, "H W"] | None


class Predictor:
    """A trained network as a function from images to class maps.

    Args:
        model: Network with normalization and padding, on its device.
        experiment: Configuration of its training; it defines the classes and the image size.
        backend: Backend that computes the logits; torch in fp32 by default.
        options: Test-time augmentation and sliding windows. Device, backend and precision are those of the backend.

    Attributes:
        parallel_calls: Maximum number of threads that may call the predictor at the same time.
        epoch: Epoch of the weights.
    """

    def __init__(
        self,
        model: Segmenter,
        experiment: Experiment,
        backend: Backend | None = None,
        options: InferenceOptions = InferenceOptions(),
    ) -> None:
        self.model = model
        self.label_space: LabelSpace = experiment.data.label_space
        self.image_size: Size | None = experiment.image_size
        self._format = MEMORY_FORMATS[experiment.fit.memory_format]
        self.options = options
        self._tta = TestTimeAugmentation(options.flip, options.scales)
        backend = backend or TorchBackend(model)
        self._backend = SlidingWindow(backend, options.window) if options.window else backend
        self.parallel_calls = backend.parallel_calls
        self.epoch = 0

    @classmethod
    def load(
        cls,
        run: Run | Path | str,
        options: InferenceOptions = InferenceOptions(),
        *,
        data_root: Path | str | None = None,
        bulk: bool = False,
    ) -> "Predictor":
        """The best checkpoint of a run.

        Args:
            run: The run.
            options: How predictions are computed. `precision="int8"` reads training images first.
            data_root: Folder of the data sets, for `int8`; None takes PIXELWISE_DATA, else ./data.
            bulk: Whether many images will follow; up to `parallel_calls` threads should then call the predictor.

        Raises:
            RunError: The folder is not a run, is incomplete, damaged, or newer than this version.
            InvalidSpec: The device or backend is not available, or the network does not accept such windows.
            DatasetNotFound: `int8`, and the training images are missing.
        """
        run = Run.open(run)
        experiment = run.experiment
        check_window(options.window, experiment.model)
        model = Segmenter(experiment.model.build(experiment.data.label_space.num_classes), experiment.model)
        epoch = load_weights(run, model)
        device = torch.device(pick_device(options.device) if options.backend == "torch" else "cpu")
        model.to(device).to(memory_format=MEMORY_FORMATS[experiment.fit.memory_format])
        images: list[UInt8[Tensor, "1 3 _ _"]] = []
        if options.precision == "int8":
            split = experiment.data.build(experiment.data.train_split, find_data_root(data_root))
            images = calibration_images(split, experiment.image_size)
        backend = make_backend(options.backend, model, options.precision, images, bulk)
        predictor = cls(model, experiment, backend, options)
        predictor.epoch = epoch
        return predictor

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W"]:
        """Class ids of an RGB image, at its own size."""
        return self.classes([image])[0]

    def classes(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> list[UInt8[np.ndarray, "_ _"]]:
        """Class ids of several RGB images, each at its own size."""
        return [found.classes for found in self.segment(images)]

    def segment(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], confidence: bool = False) -> list[Segmented]:
        """Class ids of several RGB images, each at its own size, and optionally their confidence."""
        pixels = [torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) for image in images]
        return [
            Segmented(
                _uint8(predicted(logits)), _uint8((255 * logits.softmax(0).amax(0)).round()) if confidence else None
            )
            for logits in self.logits(pixels)
        ]

    @torch.inference_mode()
    def logits(self, images: Sequence[UInt8[Tensor, "3 _ _"]]) -> list[Float[Tensor, "_ _ _"]]:
        """Logits of several images in fp32, each at its original size. Adjacent images of one size share a batch.

        With test-time augmentation, the softmax of these logits is the mean softmax of all copies of the image.
        """
        self.model.eval()
        return mean_of(self._copy(images, scale, mirrored) for scale, mirrored in self._tta.copies())

    def _copy(
        self, images: Sequence[UInt8[Tensor, "3 _ _"]], scale: float, mirrored: bool
    ) -> list[Float[Tensor, "_ _ _"]]:
        """Logits of one augmented copy of each image, at the image's original size."""
        resized = [resize_image(image, scaled(self.image_size or image.shape[1:], scale)) for image in images]
        found: list[Tensor] = []
        for _, group in groupby(resized, lambda image: image.shape):
            batch = torch.stack(list(group))
            batch = batch.flip(3) if mirrored else batch
            logits = self._backend(batch.contiguous(memory_format=self._format))
            found.extend(logits.flip(3) if mirrored else logits)
        return [_to_size(logits, image.shape[1:]) for logits, image in zip(found, images, strict=True)]


def load(run: Run | Path | str, options: InferenceOptions = InferenceOptions()) -> Predictor:
    """The best checkpoint of a run as a function from images to class maps; see `Predictor.load`."""
    return Predictor.load(run, options)


def calibration_images(split: SegmentationDataset, size: Size | None) -> list[UInt8[Tensor, "1 3 _ _"]]:
    """Images of a split as the network receives them, evenly spaced over the split, each a batch of one."""
    images = [split[index].image for index in evenly_spaced(len(split), CALIBRATION_IMAGES)]
    return [(resize_image(image, size) if size else image)[None] for image in images]


def _uint8(values: Tensor) -> UInt8[np.ndarray, "H W"]:
    found: UInt8[np.ndarray, "H W"] = values.to(torch.uint8).cpu().numpy()
    return found


def _to_size(logits: Float[Tensor, "K h w"], size: torch.Size) -> Float[Tensor, "K H W"]:
    """Resizes logits, not classes, to the original size, so that borders stay smooth."""
    if logits.shape[1:] == size:
        return logits
    planes = logits.contiguous()[None]  # seven times as fast on a CPU as channels last
    return F.interpolate(planes, list(size), mode="bilinear", align_corners=False)[0]
