"""Module from pixels to classes: resizing, normalization, network and argmax, for exporters."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.data.transforms import Size
from pixelwise.models import Segmenter


class Deployed(nn.Module):
    """A Segmenter together with the resizing of the Predictor: RGB images to class ids.

    Padding and cropping select rows and columns by index. With `F.pad` and slices, an exporter would conclude that the
    sides of an image are never, or always, a multiple of the network's, and the file would accept no other sizes.

    Args:
        model: Network with normalization and padding.
        size: (H, W) that images are resized to, or None. Without it, both sides of an image must be at least the
            network's `min_size`.
    """

    def __init__(self, model: Segmenter, size: Size | None) -> None:
        super().__init__()
        self.model, self.size = model, size

    def forward(self, images: UInt8[Tensor, "B H W 3"]) -> UInt8[Tensor, "B H W"]:
        """Class ids of RGB images of one size."""
        height, width = images.shape[1], images.shape[2]
        pixels = images.permute(0, 3, 1, 2)
        if self.size is None:
            normalized = (pixels - self.model.mean) / self.model.std
            padded = _pad(_pad(normalized, 2, self.model.multiple), 3, self.model.multiple)
            logits = _crop(_crop(self.model.network(padded), 2, height), 3, width)
        else:
            wide = round_to_byte(pixels.float() @ resize_weights(width, self.size[1]).T)
            resized = round_to_byte(resize_weights(height, self.size[0]) @ wide)
            logits = self.model(resized.to(torch.uint8))
            logits = F.interpolate(logits, [height, width], mode="bilinear", align_corners=False)
        return logits.argmax(1).to(torch.uint8)


def _pad(images: Tensor, dim: int, multiple: int) -> Tensor:
    """Images with zeros on the right or below, so that a side is a multiple."""
    if multiple == 1:
        return images
    length = images.shape[dim]
    indices = torch.arange((length + multiple - 1) // multiple * multiple, device=images.device)
    inside = (indices < length).to(images.dtype).view(-1, *[1] * (3 - dim))
    return images.index_select(dim, indices.clamp(max=length - 1)) * inside


def _crop(logits: Tensor, dim: int, length: int) -> Tensor:
    """The first rows or columns of logits."""
    return logits.index_select(dim, torch.arange(length, device=logits.device))


def resize_weights(length: int, wanted: int) -> Float[Tensor, "wanted length"]:
    """Weight of each pixel of a side in each pixel of the resized side: bilinear, antialiased.

    The resizing is written out as a matrix product, because not every runtime antialiases as torch does. The weights
    are rounded to the fixed-point numbers that torch uses for bytes: if a side is halved, values ending in .5 are
    frequent, and another rounding would change classes.

    Args:
        length: Length of the side, in pixels.
        wanted: Length of the resized side, in pixels.
    """
    scale = torch.tensor(1.0, dtype=torch.float64) * length / wanted
    centers = (torch.arange(wanted)[:, None] + 0.5) * scale
    distances = (torch.arange(length)[None] + 0.5 - centers).abs() / scale.clamp(min=1)
    weights = (1 - distances).clamp(min=0)
    weights = weights / weights.sum(1, keepdim=True)
    # The largest number of binary digits with which the largest weight is below 2^15, at most 22.
    unit = torch.exp2(torch.ceil(torch.log2(32767.5 / weights.max())).clamp(max=23) - 1)
    return ((weights * unit + 0.5).floor() / unit).float()


def round_to_byte(values: Tensor) -> Tensor:
    """The nearest whole numbers from 0 to 255; halves are rounded up."""
    return (values + 0.5).floor().clamp(0, 255)
