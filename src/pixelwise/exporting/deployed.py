"""The whole way from pixels to classes as one module, for exporters."""

import torch
from jaxtyping import UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.data.transforms import Size
from pixelwise.models import Segmenter


class Deployed(nn.Module):
    """A Segmenter with what the Predictor does around it: resize, and bring the logits back.

    It pads and crops by choosing rows and columns. Padding and slicing themselves would tell an exporter that an image
    is never, or always, of the network's multiple, and the file would take no other.

    Args:
        model: The network in its frame.
        size: (H, W) that images are brought to, or None; without, both sides are at least the network's `min_size`.
    """

    def __init__(self, model: Segmenter, size: Size | None) -> None:
        super().__init__()
        self.model, self.size = model, size

    def forward(self, images: UInt8[Tensor, "B H W 3"]) -> UInt8[Tensor, "B H W"]:
        """RGB images, all of one size, to their class ids."""
        height, width = images.shape[1], images.shape[2]
        pixels = images.permute(0, 3, 1, 2)
        if self.size is None:
            normalized = (pixels - self.model.mean) / self.model.std
            logits = self.model.network(
                _extended(_extended(normalized, 2, self.model.multiple), 3, self.model.multiple)
            )
            logits = _first(_first(logits, 2, height), 3, width)
        else:
            wide = whole(pixels.float() @ shares(width, self.size[1]).T)
            logits = self.model(whole(shares(height, self.size[0]) @ wide).to(torch.uint8))
            logits = F.interpolate(logits, [height, width], mode="bilinear", align_corners=False)
        return logits.argmax(1).to(torch.uint8)


def _extended(images: Tensor, side: int, multiple: int) -> Tensor:
    """Images with zeros right or below, so that a side is a multiple."""
    if multiple == 1:
        return images
    length = images.shape[side]
    places = torch.arange((length + multiple - 1) // multiple * multiple, device=images.device)
    inside = (places < length).to(images.dtype).view(-1, *[1] * (3 - side))
    return images.index_select(side, places.clamp(max=length - 1)) * inside


def shares(length: int, wanted: int) -> Tensor:
    """How much each pixel of a side has of each pixel of the resized side, `[wanted, length]`: bilinear, antialiased.

    Written out, because not every program that runs an export antialiases as torch does; and in the whole numbers that
    torch computes with on bytes: where a side is halved, halves are common, and to round them otherwise changes
    classes.
    """
    scale = torch.tensor(1.0, dtype=torch.float64) * length / wanted
    centers = (torch.arange(wanted)[:, None] + 0.5) * scale
    away = (torch.arange(length)[None] + 0.5 - centers).abs() / scale.clamp(min=1)
    shares = (1 - away).clamp(min=0)
    shares = shares / shares.sum(1, keepdim=True)
    # The most binary digits with which the largest share is below 2^15, 22 at most.
    unit = torch.exp2(torch.ceil(torch.log2(32767.5 / shares.max())).clamp(max=23) - 1)
    return ((shares * unit + 0.5).floor() / unit).float()


def whole(values: Tensor) -> Tensor:
    """The nearest byte, halves upwards."""
    return (values + 0.5).floor().clamp(0, 255)


def _first(logits: Tensor, side: int, length: int) -> Tensor:
    """The first rows or columns."""
    return logits.index_select(side, torch.arange(length, device=logits.device))
