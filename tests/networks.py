"""Networks for tests, as a user would write their own: taken by `model.kind = <path>/networks.py:Small`."""

from torch import nn

from pixelwise.models import ModelSpec


class Small(ModelSpec):
    """A few thousand parameters, and every kind of layer that a resume has to restore."""

    kind: str = f"{__file__}:Small"

    @property
    def multiple(self) -> int:
        return 4

    def build(self, num_classes: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Dropout2d(0.1),
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.ConvTranspose2d(8, num_classes, 3, stride=2, padding=1, output_padding=1),
        )  # fmt: skip


class Linear(ModelSpec):
    """One 1×1 convolution: no statistics and no randomness, the same in training and in eval."""

    kind: str = f"{__file__}:Linear"

    def build(self, num_classes: int) -> nn.Module:
        return nn.Conv2d(3, num_classes, 1)
