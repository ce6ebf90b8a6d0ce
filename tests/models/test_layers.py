"""Every network layer by layer against the reports' specification; `test_fcn` has the baseline."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixelwise.models import (
    DeeplabV3,
    DilatedTanhFcn,
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
from tests.models.test_fcn import executed

K = 21


def on_meta(spec: ModelSpec) -> nn.Module:
    """Shapes and nothing else."""
    with torch.device("meta"):
        return spec.build(K)


def layers(network: nn.Module, side: int) -> list[tuple[nn.Module, Tensor]]:
    return executed(network, torch.empty(1, 3, side, side, device="meta"))


def convolutions(calls: list[tuple[nn.Module, Tensor]]) -> list[tuple[Any, ...]]:
    """Channels in and out, kernel, stride, padding, dilation and output padding of each, and the side that it gives."""
    return [
        (c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0], c.padding[0], c.dilation[0], c.output_padding[0],
         output.shape[-1])
        for c, output in calls if isinstance(c, nn.Conv2d | nn.ConvTranspose2d)
    ]  # fmt: skip


def doubled(*widths: int, side: int) -> list[tuple[Any, ...]]:
    """Transposed convolutions K3 S2 P1 OP1, each from one width to the next."""
    return [(i, o, 3, 2, 1, 1, 1, side * 2**n) for n, (i, o) in enumerate(pairwise(widths), 1)]


def test_dilated_tanh_fcn_goes_from_224_over_24_back_to_224() -> None:
    calls = layers(on_meta(DilatedTanhFcn()), 224)
    assert convolutions(calls) == [
        (3, 32, 3, 1, 1, 1, 0, 224), (32, 32, 3, 1, 1, 1, 0, 224), (32, 64, 3, 1, 1, 1, 0, 224),
        (64, 128, 3, 2, 1, 2, 0, 111), (128, 256, 5, 2, 1, 2, 0, 53), (256, 512, 5, 2, 1, 2, 0, 24),
        (512, 512, 5, 2, 1, 2, 0, 53), (512, 256, 5, 2, 1, 2, 0, 111), (256, 128, 3, 2, 1, 2, 1, 224),
        (128, 64, 3, 1, 1, 1, 0, 224), (64, 32, 3, 1, 1, 1, 0, 224), (32, 32, 3, 1, 1, 1, 0, 224),
        (32, K, 1, 1, 0, 1, 0, 224),
    ]  # fmt: skip


def test_dilated_tanh_fcn_works_from_40_pixels_and_not_from_32() -> None:
    network = on_meta(DilatedTanhFcn()).eval()
    assert network(torch.empty(1, 3, 40, 40, device="meta")).shape == (1, K, 40, 40)
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        network(torch.empty(1, 3, 32, 32, device="meta"))


def test_fcn8_vgg_runs_as_the_report_lists_it() -> None:
    calls = layers(on_meta(Fcn8Vgg()), 64)
    down = [
        (3, 64, 64), (64, 64, 64), (64, 128, 32), (128, 256, 32), (256, 256, 16), (256, 256, 16), (256, 512, 8),
        (512, 512, 8), (512, 512, 8), (512, 512, 4), (512, 512, 4), (512, 512, 4), (512, 4096, 2), (4096, 4096, 2),
        (4096, K, 2),
    ]  # fmt: skip
    # Each feature of the way down comes in by a 1×1 projection, just before the transposed convolution that takes it.
    up = [(K, K, 2, 2, 0, 1, 0, 4)]
    for channels, side in [(512, 4), (256, 8), (256, 16), (64, 32)]:
        up += [(channels, K, 1, 1, 0, 1, 0, side), (2 * K, K, 2, 2, 0, 1, 0, 2 * side)]
    three = [(i, o, 3, 1, 1, 1, 0, side) for i, o, side in down]
    assert convolutions(calls) == [*three, *up, (K, K, 1, 1, 0, 1, 0, 64)]
    pools = [(layer.kernel_size, layer.stride, layer.padding) for layer, _ in calls if isinstance(layer, nn.MaxPool2d)]
    assert pools == 5 * [(2, 2, 0)]


def test_unpool_fcn_strides_once_down_and_once_up() -> None:
    calls = layers(on_meta(UnpoolFcn()), 128)
    down = [(32, 64, 64), (64, 128, 32), (128, 256, 16), (256, 512, 8), (512, 1024, 4)]
    assert convolutions(calls) == [
        (3, 32, 3, 2, 1, 1, 0, 64),
        *((i, o, 3, 1, 1, 1, 0, side) for i, o, side in down),
        *((o, i, 3, 1, 1, 1, 0, side) for i, o, side in reversed(down)),
        *doubled(32, 32, side=64),
        (32, K, 1, 1, 0, 1, 0, 128),
    ]


@torch.no_grad()
def test_unpool_fcn_puts_each_value_back_where_the_way_down_found_its_largest() -> None:
    """One place in each 2×2 window, 64 pixels halved six times, so that no border is lost."""
    torch.manual_seed(0)
    network, seen = UnpoolFcn().build(K).eval(), []
    for stage in network.get_submodule("encoder").children():
        stage.register_forward_hook(lambda *call: seen.append(call[2].clone()))
    for stage in network.get_submodule("decoder").children():
        stage.register_forward_pre_hook(lambda *call: seen.append(call[1][0].clone()))
    network(torch.randn(1, 3, 64, 64))
    assert [s.shape[-1] for s in seen] == [32, 16, 8, 4, 2, 2, 4, 8, 16, 32]
    for full, unpooled in zip(seen[:5], reversed(seen[5:]), strict=True):
        windows, values = (t.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4) for t in (full, unpooled))
        elsewhere = torch.ones_like(values).scatter(4, windows.argmax(4, keepdim=True), 0)
        assert values.any()
        assert not (values * elsewhere).any()


@pytest.mark.parametrize(
    ("spec", "widths"),
    [
        (ResnetFcn(encoder="resnet34", encoder_norm=True), (512, 512, 256, 128, 64, 32)),
        (ResnetFcn(encoder="resnet50"), (2048, 512, 256, 128, 64, 32)),
        (ResnetFcn(encoder="resnet18", widths=(256, 128, 64, 32, 16)), (512, 256, 128, 64, 32, 16)),
    ],
    ids=["lian", "xiang", "isayama"],
)
def test_resnet_fcn_leads_the_encoders_features_back_in_five_doublings(
    spec: ResnetFcn, widths: tuple[int, ...]
) -> None:
    network = on_meta(spec)
    calls = layers(network, 96)
    assert convolutions(calls)[-6:] == [*doubled(*widths, side=3), (widths[-1], K, 1, 1, 0, 1, 0, 96)]
    norm = network.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm2d if spec.encoder_norm else nn.Identity)
    assert next(output for layer, output in calls if layer is norm).shape == (1, widths[0], 3, 3)


DOUBLE = [(3, 64, 96), (64, 128, 48), (128, 256, 24), (256, 512, 12), (512, 1024, 6)]
UPS = [(1024, 512, 12), (512, 256, 24), (256, 128, 48), (128, 64, 96)]


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_unet_is_as_the_report_lists_it_with_either_way_up(up: str) -> None:
    kernel = (2, 2, 0, 1, 0) if up == "transposed" else (3, 1, 1, 1, 0)
    down = [layer for i, o, side in DOUBLE for layer in ((i, o, 3, 1, 1, 1, 0, side), (o, o, 3, 1, 1, 1, 0, side))]
    back: list[tuple[Any, ...]] = []
    for i, o, side in UPS:  # the double convolution takes the stage up and the skip: as many channels as came up
        back += [(i, o, *kernel, side), (i, o, 3, 1, 1, 1, 0, side), (o, o, 3, 1, 1, 1, 0, side)]
    calls = layers(on_meta(Unet.model_validate({"up": up})), 96)
    assert convolutions(calls) == [*down, *back, (64, K, 1, 1, 0, 1, 0, 96)]
    scaled = [(layer.scale_factor, layer.align_corners) for layer, _ in calls if isinstance(layer, nn.Upsample)]
    assert scaled == ([] if up == "transposed" else 4 * [(2, True)])


@torch.no_grad()
def test_unets_skips_are_the_features_before_each_pool_of_the_same_size() -> None:
    torch.manual_seed(0)
    network, kept, taken = Unet(norm="none").build(K), [], []
    for stage in network.get_submodule("encoder").children():
        stage.register_forward_hook(lambda *call: kept.append(call[2]))
    for stage in network.get_submodule("decoder").children():
        stage.register_forward_pre_hook(lambda *call: taken.append(call[1][0]))
    network(torch.randn(1, 3, 32, 48))
    for skip, joined in zip(reversed(kept[:-1]), taken, strict=True):
        assert torch.equal(joined[:, : joined.shape[1] // 2], skip)


def test_instance_norm_keeps_no_weights_and_needs_two_values_at_the_bottom() -> None:
    network = on_meta(Unet(norm="instance"))
    norms = [layer for layer in network.modules() if isinstance(layer, nn.InstanceNorm2d)]
    assert len(norms) == 18
    assert not any(layer.affine or layer.track_running_stats for layer in norms)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        network.train()(torch.empty(2, 3, 16, 16, device="meta"))
    assert Unet(norm="instance").min_size == 32


def test_valid_unet_shrinks_224_to_6_and_comes_back_to_160_before_it_is_resized() -> None:
    network = on_meta(ValidUnet())
    calls = layers(network, 224)
    expected: list[tuple[Any, ...]] = []
    for i, o, side in [(3, 64, 222), (64, 128, 108), (128, 256, 51), (256, 512, 22), (512, 1024, 8)]:
        expected += [(i, o, 3, 1, 0, 1, 0, side), (o, o, 3, 1, 0, 1, 0, side - 2)]
    assert expected[-1][-1] == 6
    for i, output_padding, side in [(1024, 0, 12), (512, 1, 33), (256, 0, 74), (128, 0, 156)]:
        expected += [(i, i, 2, 2, 0, 1, output_padding, side)]
        expected += [(i, i // 2, 3, 1, 2, 1, 0, side + 2), (i // 2, i // 2, 3, 1, 2, 1, 0, side + 4)]
    assert convolutions(calls) == [*expected, (64, K, 1, 1, 0, 1, 0, 160)]
    assert network(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, K, 224, 224)


def test_valid_unet_works_from_140_pixels_and_not_from_139() -> None:
    network = on_meta(ValidUnet())
    bottom = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.out_channels == 1024)
    sides: list[int] = []
    bottom.register_forward_hook(lambda *call: sides.append(call[2].shape[-1]))
    assert network.eval()(torch.empty(1, 3, 140, 140, device="meta")).shape == (1, K, 140, 140)
    assert sides == [3], "of which the next convolution leaves one pixel"
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        network(torch.empty(1, 3, 139, 140, device="meta"))


def test_unet_aspp_has_an_aspp_for_its_last_way_up_and_for_its_classifier() -> None:
    calls = layers(on_meta(UnetAspp()), 96)
    kernels = [(1, 0, 1), (3, 6, 6), (3, 12, 12), (3, 18, 18)]

    def aspp(channels_in: int, channels_out: int) -> list[tuple[Any, ...]]:
        side = 96
        branches = [(channels_in, 128, kernel, 1, pad, rate, 0, side) for kernel, pad, rate in kernels]
        return [*branches, (channels_in, 128, 1, 1, 0, 1, 0, 1), (640, channels_out, 1, 1, 0, 1, 0, side)]

    plain = convolutions(layers(on_meta(Unet(up="bilinear")), 96))
    double = [(128, 64, 3, 1, 1, 1, 0, 96), (64, 64, 3, 1, 1, 1, 0, 96)]
    assert convolutions(calls) == [*plain[:-4], *aspp(128, 64), *double, *aspp(64, K)]


@pytest.mark.parametrize(("encoder", "channels"), [("resnet50", 2048), ("resnet18", 512), ("vgg16", 512)])
def test_resnet_aspp_classifies_the_features_at_a_thirty_second(encoder: str, channels: int) -> None:
    network = on_meta(ResnetAspp.model_validate({"encoder": encoder}))
    calls = convolutions(layers(network, 96))
    assert calls[-6][:2] == (channels, 128)
    assert calls[-6][-1] == 3
    assert calls[-1] == (640, K, 1, 1, 0, 1, 0, 3)
    assert network(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, K, 64, 96)


def test_deeplabv3_keeps_an_eighth_of_the_image_and_has_no_auxiliary_head() -> None:
    network = on_meta(DeeplabV3())
    calls = convolutions(layers(network, 96))
    assert calls[-1] == (256, K, 1, 1, 0, 1, 0, 12)
    assert {name for name, _ in network.named_children()} == {"backbone", "classifier"}


def test_r2_fcn_pools_twice_and_doubles_twice() -> None:
    calls = layers(on_meta(R2Fcn()), 64)
    down = [(3, 32, 1, 1, 0, 1, 0, 64), *6 * [(32, 32, 3, 1, 1, 1, 0, 64)]]
    deeper = [(32, 64, 1, 1, 0, 1, 0, 32), *6 * [(64, 64, 3, 1, 1, 1, 0, 32)]]
    assert convolutions(calls) == [*down, *deeper, *doubled(64, 64, 32, side=16), (32, K, 1, 1, 0, 1, 0, 64)]
