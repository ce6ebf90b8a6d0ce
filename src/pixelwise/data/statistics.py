"""What is measured on the images of a split: pixels of each class, mean and standard deviation of the colours."""

import numpy as np
import torch

from pixelwise.core.labels import IGNORE
from pixelwise.core.spec import Spec
from pixelwise.data.base import SegmentationDataset
from pixelwise.data.loading import read_samples

Colour = tuple[float, float, float]


class Statistics(Spec):
    """Pixel statistics of a split.

    Attributes:
        images: Number of images.
        pixel_counts: Pixels of each class id, void not counted.
        void_pixels: Pixels without a class.
        mean: Mean of each channel over all pixels, 0..1.
        std: Population standard deviation of each channel over all pixels, 0..1.
    """

    images: int
    pixel_counts: tuple[int, ...]
    void_pixels: int
    mean: Colour
    std: Colour


def measure(dataset: SegmentationDataset, workers: int = 0) -> Statistics:
    """Reads a split once and counts. All sums are integers, so the result depends neither on order nor on workers.

    Args:
        dataset: The split.
        workers: Processes that read files; 0 reads in this one.

    Raises:
        BadData: A file cannot be used.
    """
    class_pixels = torch.zeros(256, dtype=torch.int64)
    values = torch.zeros(3, 256, dtype=torch.int64)
    for image, labels, _ in read_samples(dataset, workers):
        class_pixels += torch.bincount(labels.flatten().long(), minlength=256)
        values += torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in image])
    levels = np.arange(256) / 255
    share = values.numpy() / values.sum(1, keepdim=True).numpy()
    mean = share @ levels
    std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(1))
    return Statistics(
        images=len(dataset),
        pixel_counts=tuple(class_pixels[: dataset.space.num_classes].tolist()),
        void_pixels=int(class_pixels[IGNORE]),
        mean=_colour(mean),
        std=_colour(std),
    )


def _colour(values: np.ndarray) -> Colour:
    return float(values[0]), float(values[1]), float(values[2])
