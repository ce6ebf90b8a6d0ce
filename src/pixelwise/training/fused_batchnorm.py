"""Fused BatchNorm: weights whose BatchNorm was folded into the convolutions, made trainable again.

Weights of a quantized or fused model have BatchNorm layers that only add a bias: mean 0, variance 1, scale 1. In eval
they are correct. In training, BatchNorm uses the statistics of the batch instead, which removes the scale of each layer
and with it the pretrained features (docs/log.md, 2026-11-26). With the measured statistics of their inputs, and a scale
and shift that cancel them, the layers compute the same as before in eval and almost the same in training.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

TOLERANCE = 1e-3


def fused_batchnorm_layers(network: nn.Module) -> list[nn.BatchNorm2d]:
    """Trainable BatchNorm layers that only add a bias. Layers of a new network, whose bias is 0, are not among them."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d) and layer.affine]
    return [layer for layer in layers if layer.weight.requires_grad and _only_adds(layer)]


@torch.no_grad()
def restore_fused_batchnorm(
    network: nn.Module, layers: Sequence[nn.BatchNorm2d], images: Sequence[UInt8[Tensor, "1 3 _ _"]]
) -> None:
    """Sets the statistics of BatchNorm layers to those of their inputs, with a scale and shift that cancel them.

    Args:
        network: Network of images, on its device; it is left in eval mode.
        layers: BatchNorm layers of the network.
        images: Training images, each a batch of one.
    """
    moments: dict[nn.Module, list[Float[Tensor, "3 C"]]] = {layer: [] for layer in layers}

    def measure(layer: nn.Module, given: tuple[Float[Tensor, "B C H W"]]) -> None:
        values = given[0].float().transpose(0, 1).flatten(1)
        mean, square = values.mean(1), values.square().mean(1)
        moments[layer].append(torch.stack([torch.full_like(mean, values.shape[1]), mean, square]))

    handles = [layer.register_forward_pre_hook(measure) for layer in layers]
    network.eval()
    for image in images:
        network(image.to(next(network.parameters()).device))
    for handle in handles:
        handle.remove()
    for layer in layers:
        assert layer.running_mean is not None
        assert layer.running_var is not None
        pixels, means, squares = torch.stack(moments[layer], 1)
        mean = (pixels * means).sum(0) / pixels.sum(0)
        variance = ((pixels * squares).sum(0) / pixels.sum(0) - mean.square()).clamp(min=0)
        scale, shift = _as_affine(layer)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
        layer.weight.copy_(scale * (variance + layer.eps).sqrt())
        layer.bias.copy_(shift + scale * mean)


def _as_affine(layer: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift of the layer in eval."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = layer.weight / (layer.running_var + layer.eps).sqrt()
    return scale, layer.bias - layer.running_mean * scale


def _only_adds(layer: nn.BatchNorm2d) -> bool:
    if layer.running_mean is None or not layer.bias.any():
        return False
    scale, _ = _as_affine(layer)
    return bool(layer.running_mean.abs().max() < TOLERANCE and (scale - 1).abs().max() < TOLERANCE)
