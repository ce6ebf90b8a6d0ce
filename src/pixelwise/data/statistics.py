"""Statistics of a split: pixels and images of each class, image sizes, mean and standard deviation of the colors."""

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
        pixel_counts: Number of pixels of each class id, without void.
        void_pixels: Number of void pixels.
        mean: Mean of each channel over all pixels, 0..1.
        std: Population standard deviation of each channel over all pixels, 0..1.
    """

    images: int
    pixel_counts: tuple[int, ...]
    void_pixels: int
    mean: Color
    std: Color


class Survey(Spec):
    """Statistics of a split, class frequencies in images, and image sizes.

    Attributes:
        statistics: Pixel statistics.
        class_images: Number of images that contain each class id.
        sizes: "WxH" -> number of images of that size, most frequent first.
    """

    statistics: Statistics
    class_images: tuple[int, ...]
    sizes: dict[str, int]

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class in the pixels without void, 0..1; zeros if all pixels are void."""
        counts = self.statistics.pixel_counts
        return tuple(count / max(sum(counts), 1) for count in counts)

    @property
    def void_share(self) -> float:
        """Share of void in all pixels, 0..1."""
        return self.statistics.void_pixels / (sum(self.statistics.pixel_counts) + self.statistics.void_pixels)


class DatasetStatistics(Spec):
    """Statistics of the splits of a data set.

    Attributes:
        dataset: Kind of the data set.
        label_space: Classes of the data set.
        splits: Name of each split that was read -> its statistics.
        published_images: Name of each of those splits -> its published number of images, if known.
        not_there: Splits of the data set that are missing on disk.
        unions: Name of each split that was not read because it is the union of other splits -> those splits.
    """

    dataset: str
    label_space: LabelSpace
    splits: dict[str, Survey]
    published_images: dict[str, int] = {}
    not_there: tuple[str, ...] = ()
    unions: dict[str, tuple[str, ...]] = {}


def measure(dataset: SegmentationDataset, workers: int = 0) -> Statistics:
    """Measures the pixel statistics of a split; see `survey`.

    Args:
        dataset: The split.
        workers: Number of processes that read files; 0 reads in this process.

    Raises:
        DataError: A file cannot be used, or labels contain an id that is neither a class id nor IGNORE.
    """
    return survey(dataset, workers).statistics


def survey(dataset: SegmentationDataset, workers: int = 0) -> Survey:
    """Reads every sample of a split once and counts pixels. All sums are integers and do not depend on the order.

    Args:
        dataset: The split.
        workers: Number of processes that read files; 0 reads in this process.

    Raises:
        DataError: A file cannot be used, or labels contain an id that is neither a class id nor IGNORE.
    """
    classes = dataset.label_space.num_classes
    class_pixels = torch.zeros(256, dtype=torch.int64)
    class_images = torch.zeros(256, dtype=torch.int64)
    values = torch.zeros(3, 256, dtype=torch.int64)
    sizes: Counter[tuple[int, int]] = Counter()
    for image, labels, _ in read_samples(dataset, workers):
        counts = torch.bincount(labels.flatten(), minlength=IGNORE + 1)
        class_pixels += counts
        class_images += counts > 0
        values += torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in image])
        sizes[image.shape[2], image.shape[1]] += 1
    levels = np.arange(256) / 255
    share = values.numpy() / values.sum(1, keepdim=True).numpy()
    mean = share @ levels
    std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(1))
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
