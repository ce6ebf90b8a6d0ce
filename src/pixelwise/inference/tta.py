"""Test-time augmentation: predictions of mirrored and rescaled copies of an image, averaged.

Papers: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012:
mean of the softmax over crops and mirrored images; Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for
Semantic Image Segmentation", arXiv 1706.05587 (2017): scales and mirrored images in segmentation, where the logits of
each copy are resized to the image before their softmax is averaged.

Departures: probabilities are added by their logarithms, so that none of them underflows to 0 and the result is a logit
like any other. A constant that is the same for all classes of a pixel does not matter to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pixelwise.data.transforms import Size


@dataclass(frozen=True)
class TestTimeAugmentation:
    """Copies of an image whose predictions are averaged.

    Attributes:
        flip: Whether each scale has a mirrored copy as well.
        scales: Factors on both sides of the experiment's `image_size`, or of the image's own size without one. Each
            copy is resized from the original image.
    """

    __test__ = False  # pytest takes a class for a test by its name

    flip: bool = False
    scales: tuple[float, ...] = (1.0,)

    def copies(self) -> list[tuple[float, bool]]:
        """Scale of each copy, and whether it is mirrored."""
        return [(scale, mirrored) for scale in self.scales for mirrored in (False, True)[: 1 + self.flip]]


def scaled(size: Sequence[int], scale: float) -> Size:
    """Height and width times the scale, to the nearest pixel."""
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def mean_of(copies: Iterable[list[Float[Tensor, "_ _ _"]]]) -> list[Float[Tensor, "_ _ _"]]:
    """Logits whose softmax is the mean of the copies' softmax; for a single copy, its logits unchanged.

    Args:
        copies: For each copy, the logits of several images, at the images' own sizes.
    """
    others = iter(copies)  # one at a time: all at once take a multiple of the memory
    total = next(others)
    for number, copy in enumerate(others):
        total = total if number else [logits.log_softmax(0) for logits in total]
        total = [torch.logaddexp(sums, logits.log_softmax(0)) for sums, logits in zip(total, copy, strict=True)]
    return total
