"""What is measured on the images of a split: pixels and images of each class, sizes, mean and deviation of colors."""

from collections import Counter

import numpy as np
import torch

from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.core.spec import Spec
from pixelwise.data.base import SegmentationDataset
from pixelwise.data.loading import read_samples

Color = tuple[float, float, float]


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
    mean: Color
    std: Color


class Survey(Spec):
    """All that one look at a split's images tells.

    Attributes:
        statistics: What is counted in pixels.
        class_images: Images in which each class id occurs.
        sizes: "WxH" -> number of images, the commonest first.
    """

    statistics: Statistics
    class_images: tuple[int, ...]
    sizes: dict[str, int]

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class in the pixels that have one, 0..1; zeros where no pixel has a class."""
        counts = self.statistics.pixel_counts
        return tuple(count / max(sum(counts), 1) for count in counts)

    @property
    def void_share(self) -> float:
        """Share of void in all pixels, 0..1."""
        return self.statistics.void_pixels / (sum(self.statistics.pixel_counts) + self.statistics.void_pixels)


class DatasetStatistics(Spec):
    """What is in a data set.

    Attributes:
        dataset: Its kind.
        label_space: Its classes.
        splits: The splits that were read.
        published_images: Images of those splits as published, where that is known.
        not_there: Splits that the data set can have but this copy lacks.
        unions: Splits that were not read because they are nothing but others together -> those others.
    """

    dataset: str
    label_space: LabelSpace
    splits: dict[str, Survey]
    published_images: dict[str, int] = {}
    not_there: tuple[str, ...] = ()
    unions: dict[str, tuple[str, ...]] = {}


def measure(dataset: SegmentationDataset, workers: int = 0) -> Statistics:
    """The pixel statistics of a split; see `survey`.

    Args:
        dataset: The split.
        workers: Processes that read files; 0 reads in this one.

    Raises:
        DataError: A file cannot be used.
    """
    return survey(dataset, workers).statistics


def survey(dataset: SegmentationDataset, workers: int = 0) -> Survey:
    """Reads a split once and counts. All sums are integers, so the result depends neither on order nor on workers.

    Args:
        dataset: The split.
        workers: Processes that read files; 0 reads in this one.

    Raises:
        DataError: A file cannot be used.
    """
    class_pixels = torch.zeros(256, dtype=torch.int64)
    class_images = torch.zeros(256, dtype=torch.int64)
    values = torch.zeros(3, 256, dtype=torch.int64)
    sizes: Counter[tuple[int, int]] = Counter()
    for image, labels, _ in read_samples(dataset, workers):
        counts = torch.bincount(labels.flatten(), minlength=256)
        class_pixels += counts
        class_images += counts > 0
        values += torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in image])
        sizes[image.shape[2], image.shape[1]] += 1
    levels = np.arange(256) / 255
    share = values.numpy() / values.sum(1, keepdim=True).numpy()
    mean = share @ levels
    std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(1))
    classes = dataset.label_space.num_classes
    return Survey(
        statistics=Statistics(
            images=len(dataset),
            pixel_counts=tuple(class_pixels[:classes].tolist()),
            void_pixels=int(class_pixels[IGNORE]),
            mean=_color(mean),
            std=_color(std),
        ),
        class_images=tuple(class_images[:classes].tolist()),
        sizes={f"{w}x{h}": n for (w, h), n in sorted(sizes.items(), key=lambda size: (-size[1], size[0]))},
    )


def _color(values: np.ndarray) -> Color:
    return float(values[0]), float(values[1]), float(values[2])
