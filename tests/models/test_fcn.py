"""The FCN, layer by layer against the reports' specification."""

from typing import Any

import torch
from torch import Tensor, nn

from pixelwise.models import Fcn

ENCODER = [(3, 32), (32, 64), (64, 128), (128, 256), (256, 512)]
DECODER = [(512, 512), (512, 256), (256, 128), (128, 64), (64, 32)]


def executed(network: nn.Module, given: Tensor) -> list[tuple[nn.Module, Tensor]]:
    """The layers in the order in which they run, each with its output."""
    calls: list[tuple[nn.Module, Tensor]] = []
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda layer, _, output: calls.append((layer, output.detach().clone())))
    network.eval()(given)
    return calls


def geometry(layer: nn.Module) -> tuple[Any, ...]:
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return (
        type(layer), (layer.in_channels, layer.out_channels), layer.kernel_size, layer.stride, layer.padding,
        layer.output_padding, layer.dilation, layer.groups,
    )  # fmt: skip


def test_the_layers_run_as_the_reports_list_them() -> None:
    layers = [layer for layer, _ in executed(Fcn().build(21), torch.zeros(1, 3, 32, 32))]
    expected = [
        *((nn.Conv2d, pair, (3, 3), (2, 2), (1, 1), (0, 0), (1, 1), 1) for pair in ENCODER),
        *((nn.ConvTranspose2d, pair, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1) for pair in DECODER),
        (nn.Conv2d, (32, 21), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1), 1),
    ]
    assert [geometry(layer) for layer in layers[::3]] == expected
    assert all(isinstance(layer, nn.ReLU) for layer in layers[1::3])
    norms = [layer for layer in layers[2::3] if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [out for _, out in ENCODER + DECODER]


def test_each_stage_halves_and_then_doubles_both_sides() -> None:
    calls = executed(Fcn().build(21), torch.zeros(1, 3, 64, 96))
    sides = [tuple(output.shape[2:]) for layer, output in calls if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    down = [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert sides == [*down, *down[-2::-1], (64, 96), (64, 96)]


@torch.no_grad()
def test_its_answer_moves_with_the_picture_in_steps_of_its_multiple() -> None:
    """Far from the borders a shift by 32 pixels shifts the logits; one by 16, half a cell of the bottom, does not."""
    torch.manual_seed(0)
    network, picture = Fcn().build(3).double().eval(), torch.randn(1, 3, 32, 384, dtype=torch.float64)
    still = network(picture[..., :320])[..., 160:192]
    torch.testing.assert_close(network(picture[..., 32:352])[..., 128:160], still)
    assert not torch.allclose(network(picture[..., 16:336])[..., 144:176], still, rtol=1e-2)
