"""What several networks are made of."""

from torch import nn


def xavier_init(module: nn.Module) -> None:
    """Starts every convolution and transposed convolution from Xavier (Glorot) uniform, biases 0, as all reports do."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def activated(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    """Convolution → ReLU → BatchNorm, the order of most of the reports."""
    return nn.Sequential(convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(convolution.out_channels))
