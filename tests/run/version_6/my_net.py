"""A small network with BatchNorm and dropout."""

from typing import Literal

from torch import nn

from pixelwise.models import ModelSpec


class TinyNet(ModelSpec):
    """Three convolutions."""

    kind: Literal["my_net.py:TinyNet"] = "my_net.py:TinyNet"
    width: int = 16

    def build(self, num_classes: int) -> nn.Module:
        """See `ModelSpec.build`."""
        return nn.Sequential(
            nn.Conv2d(3, self.width, 3, padding=1),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
            nn.Conv2d(self.width, self.width, 3, padding=1),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(self.width, num_classes, 1),
        )
