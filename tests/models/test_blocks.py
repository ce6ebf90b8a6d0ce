"""Building blocks of networks: order of layers, recurrent layers, ASPP, frozen parts."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.models import (
    DilatedTanhFcn,
    Fcn,
    Fcn8Vgg,
    ModelSpec,
    R2Fcn,
    ResnetAspp,
    ResnetFcn,
    Unet,
    UnetAspp,
    UnpoolFcn,
    ValidUnet,
)
from pixelwise.models.aspp import Aspp
from pixelwise.models.blocks import Freezable
from pixelwise.models.r2_fcn import Recurrent, RecurrentResidual

ORDERS: list[tuple[ModelSpec, str, int]] = [
    (Fcn(), "ReLU BatchNorm2d", 10),
    (Fcn(norm_first=True), "BatchNorm2d ReLU", 10),
    (DilatedTanhFcn(), "Tanh BatchNorm2d", 12),
    (Fcn8Vgg(), "ReLU BatchNorm2d", 20),
    (UnpoolFcn(), "ReLU BatchNorm2d", 12),
    (ResnetFcn(encoder="resnet18"), "ReLU BatchNorm2d", 5),
    (ResnetFcn(encoder="resnet18", norm_first=True), "BatchNorm2d ReLU", 5),
    (ResnetAspp(encoder="resnet18"), "BatchNorm2d ReLU", 5),
    (Unet(), "BatchNorm2d ReLU", 18),
    (Unet(norm_first=False), "ReLU BatchNorm2d", 18),
    (Unet(norm="instance"), "InstanceNorm2d ReLU", 18),
    (Unet(norm="none"), "ReLU", 18),
    (Unet(norm="none", up="bilinear"), "ReLU", 18),
    (Unet(norm_first=False, up="bilinear"), "ReLU BatchNorm2d", 22),
    (UnetAspp(), "BatchNorm2d ReLU", 18 + 3 + 6 + 5),
    (ValidUnet(), "ReLU BatchNorm2d", 22),
    (R2Fcn(), "ReLU BatchNorm2d", 2),
    (R2Fcn(), "BatchNorm2d ReLU", 4),
]
"""Network, what follows a convolution, how often."""


@pytest.mark.parametrize(
    ("spec", "order", "times"), ORDERS, ids=[f"{spec.kind}-{order.replace(' ', '-')}" for spec, order, _ in ORDERS]
)
def test_what_follows_a_convolution_is_in_the_order_of_its_report(spec: ModelSpec, order: str, times: int) -> None:
    with torch.device("meta"):
        network = spec.build(21)
    stages = [
        [type(layer).__name__ for layer in stage]
        for name, stage in network.named_modules()
        if isinstance(stage, nn.Sequential) and not name.startswith("encoder.layers")
    ]
    convolutional = [stage[1:] for stage in stages if stage and stage[0] in ("Conv2d", "ConvTranspose2d")]
    expected = {tuple(order.split())}
    if spec.kind == "unet" and "BatchNorm2d" not in order:
        expected.add(("ReLU", "BatchNorm2d") if not spec.model_dump()["norm_first"] else ("BatchNorm2d", "ReLU"))
    assert sum(tuple(stage) == tuple(order.split()) for stage in convolutional) == times
    if spec.kind != "r2_fcn":
        assert {tuple(stage) for stage in convolutional} <= expected


def randomize(module: nn.Module) -> None:
    """Statistics, scales and shifts away from where they start, where some mistakes do not show."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.get_buffer("running_mean"), layer.bias):
                nn.init.normal_(tensor)
            for tensor in (layer.get_buffer("running_var"), layer.weight):
                nn.init.uniform_(tensor, 0.5, 2)


def by_einsum(convolution: nn.Module, x: Tensor) -> Tensor:
    """A 1×1 convolution without `conv2d`."""
    weight, bias = convolution.get_parameter("weight"), convolution.get_parameter("bias")
    return torch.einsum("oi,bihw->bohw", weight[:, :, 0, 0], x) + bias.view(-1, 1, 1)


@torch.no_grad()
def test_a_recurrent_layer_is_one_convolution_applied_three_times() -> None:
    torch.manual_seed(0)
    layer, x = Recurrent(4).double().eval(), torch.randn(2, 4, 6, 7, dtype=torch.float64)
    randomize(layer)
    (convolution,) = [c for c in layer.modules() if isinstance(c, nn.Conv2d)]
    (norm,) = [c for c in layer.modules() if isinstance(c, nn.BatchNorm2d)]

    def f(given: Tensor) -> Tensor:
        out = F.conv2d(given, convolution.weight, convolution.bias, padding=1)
        return F.batch_norm(out, norm.running_mean, norm.running_var, norm.weight, norm.bias).relu()

    y1 = f(x)
    y2 = f(x + y1)
    torch.testing.assert_close(layer(x), f(x + y2))
    assert sum(p.numel() for p in layer.parameters()) == (4 * 4 * 9 + 4) + 2 * 4


@torch.no_grad()
def test_the_recurrent_residual_block_adds_its_1x1_to_two_recurrent_layers() -> None:
    torch.manual_seed(0)
    block = RecurrentResidual(3, 8).eval()
    randomize(block)
    x = torch.randn(1, 3, 5, 6)
    projected = by_einsum(block.project, x)
    first, second = block.recurrent
    torch.testing.assert_close(block(x), projected + second(first(projected)), rtol=1e-4, atol=1e-5)
    assert first is not second


@torch.no_grad()
@pytest.mark.parametrize(("branch", "rate"), [(1, 6), (2, 12), (3, 18)])
def test_each_rate_of_aspp_sees_nine_places_that_far_apart(branch: int, rate: int) -> None:
    convolution = Aspp(1, 4).get_submodule(f"branches.{branch}.0")
    nn.init.ones_(convolution.get_parameter("weight"))
    nn.init.zeros_(convolution.get_parameter("bias"))
    impulse = torch.zeros(1, 1, 41, 41)
    impulse[..., 20, 20] = 1
    places = convolution(impulse)[0, 0].nonzero().tolist()
    assert places == [[20 + dy, 20 + dx] for dy in (-rate, 0, rate) for dx in (-rate, 0, rate)]


def test_aspps_mean_carries_every_place_to_every_other() -> None:
    """61 pixels apart, which no rate reaches; without the mean there is no such way."""
    torch.manual_seed(0)
    aspp, x = Aspp(2, 3).double().eval(), torch.randn(1, 2, 62, 62, dtype=torch.float64, requires_grad=True)
    randomize(aspp)
    (reached,) = torch.autograd.grad(aspp(x)[..., 0, 0].sum(), x)
    assert reached[..., 61, 61].all()
    nn.init.zeros_(aspp.get_parameter("mean.0.weight"))
    (reached,) = torch.autograd.grad(aspp(x)[..., 0, 0].sum(), x)
    assert not reached[..., 61, 61].any()


@torch.no_grad()
def test_aspp_joins_its_five_branches_in_order_and_a_classifier_is_not_activated() -> None:
    torch.manual_seed(0)
    aspp, x = Aspp(3, 5, classifier=True).double().eval(), torch.randn(2, 3, 8, 9, dtype=torch.float64)
    randomize(aspp)
    mean = aspp.mean(x.mean((2, 3), keepdim=True)).expand(2, 128, 8, 9)
    outputs = torch.cat([*(branch(x) for branch in aspp.branches), mean], dim=1)
    expected = by_einsum(aspp.join, outputs)
    torch.testing.assert_close(aspp(x), expected)
    assert (expected < 0).any()
    assert not (Aspp(3, 5).eval()(x.float()) < 0).any()


def test_aspp_cannot_train_on_one_image_but_can_be_asked_about_one() -> None:
    one = torch.randn(1, 3, 8, 9)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        Aspp(3, 5).train()(one)
    assert Aspp(3, 5).eval()(one).shape == (1, 5, 8, 9)
    assert Aspp(3, 5).train()(one.expand(2, -1, -1, -1)).shape == (2, 5, 8, 9)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_part_stays_in_eval_inside_a_network_that_trains(frozen: bool) -> None:
    part = Freezable(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5)), frozen)
    network = nn.Sequential(part, nn.BatchNorm2d(4)).train()
    assert network[1].training
    assert {layer.training for layer in part.modules()} == {not frozen}
    network.eval()
    assert not any(layer.training for layer in network.modules())


def test_nothing_of_a_frozen_part_is_kept_for_a_gradient_and_no_grad_stays_no_grad() -> None:
    frozen, learning = (Freezable(nn.Conv2d(3, 4, 1), frozen=f) for f in (True, False))
    x = torch.zeros(1, 3, 2, 2, requires_grad=True)
    assert not frozen(x).requires_grad
    assert learning(x).requires_grad
    with torch.no_grad():
        assert not learning(x).requires_grad
