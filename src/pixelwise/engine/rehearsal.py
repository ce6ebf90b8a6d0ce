"""What would fail in the middle of an epoch, found before it begins."""

import torch

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import SegmentationDataset
from pixelwise.experiment import Experiment
from pixelwise.models import Segmenter


def check_batches(experiment: Experiment, dataset: SegmentationDataset) -> None:
    """Checks that the network can learn from a batch of one image, if an epoch has one.

    BatchNorm over a single value is undefined: after a pooling of the whole image, or where the image has shrunk to one
    pixel, one image is not enough. The network is tried on the "meta" device, which computes shapes and nothing else.

    Raises:
        InvalidSpec: It cannot; the text gives the remedy.
    """
    images = len(dataset) * (2 if experiment.augment.keep_plain else 1) * experiment.fit.passes
    batch = experiment.fit.batch_size
    if images % batch != 1 % batch:
        return
    size = experiment.augment.crop or experiment.size or tuple(dataset[0].labels.shape)
    with torch.device("meta"):
        network = experiment.model.build(experiment.data.label_space.num_classes)
        model = Segmenter(network, experiment.model).train()
        try:
            model(torch.empty(1, 3, *size, dtype=torch.uint8))
        except ValueError as e:
            if "more than 1 value per channel" not in str(e):
                raise
            which = "the last batch of an epoch" if images > 1 and batch > 1 else "a batch"
            remedy = f"set fit.batch_size={_next_size(images, batch)}" if images > 1 else "it takes two images at least"
            raise InvalidSpec(
                f"{which} is one image of {size[1]}x{size[0]}, from which {experiment.model.kind} cannot learn:"
                f" BatchNorm would see a single value ({images} images, batches of {batch}); {remedy}."
            ) from None


def _next_size(images: int, batch: int) -> int:
    """The closest larger batch size that leaves no batch of one image."""
    return next(size for size in range(batch + 1, images + 2) if images % size != 1)
