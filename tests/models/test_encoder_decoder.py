"""Networks on timm encoders: decoders against other implementations, and auxiliary heads."""

import math
from copy import deepcopy
from itertools import pairwise

import pytest
import torch
from segmentation_models_pytorch import Unet
from segmentation_models_pytorch.decoders.deeplabv3.decoder import ASPP
from segmentation_models_pytorch.decoders.segformer import decoder as segformer
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.models import DeeplabV3Plus, EncoderUnet, Fcn, PpLiteseg, Segformer, Segmenter
from pixelwise.models.deeplabv3plus import SeparableAspp
from pixelwise.models.encoder_decoder import EncoderDecoder
from pixelwise.models.pp_liteseg import AttentionFusion, PyramidPooling, pooled
from pixelwise.models.segformer import SegformerDecoder
from pixelwise.models.timm_encoder import TimmSpec
from tests.models.test_blocks import randomize

K = 3
KINDS: list[type[TimmSpec]] = [DeeplabV3Plus, EncoderUnet, PpLiteseg, Segformer]
every_one = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def segmenter(kind: type[TimmSpec], aux_loss_weight: float = 0.4) -> Segmenter:
    torch.manual_seed(0)
    spec = kind.model_validate({"weights": None, "aux_loss_weight": aux_loss_weight})
    return Segmenter(spec.build(K), spec, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


def images(batch: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8, generator=generator)


def take_over(ours: nn.Module, theirs: nn.Module) -> None:
    """Weights of a module that has the same layers in the same order."""
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))


@every_one
def test_training_gets_the_logits_of_forward_and_one_auxiliary_map(kind: type[TimmSpec]) -> None:
    """With dropout, and with the batch's statistics."""
    model, batch = segmenter(kind).train(), images(2, 70, 90)
    other = deepcopy(model)
    torch.manual_seed(5)
    logits, auxiliary = model.forward_train(batch)
    torch.manual_seed(5)
    assert torch.equal(logits, other(batch))
    assert [scores.shape for scores in auxiliary] == [(2, K, math.ceil(70 / 16), math.ceil(90 / 16))]


@torch.no_grad()
def test_an_auxiliary_map_is_cropped_to_the_places_that_see_the_image() -> None:
    model = segmenter(EncoderUnet).eval()
    network: EncoderDecoder = model.network  # type: ignore[assignment]  # a Segmenter holds any module
    batch = images(1, 33, 49)
    _, (scores,) = model.forward_train(batch)
    features = network.encoder(model.framed(batch))
    whole = network.auxiliary[0](features[-2])
    assert whole.shape == (1, K, 4, 4)
    assert torch.equal(scores, whole[..., :3, :4])


@every_one
@torch.no_grad()
def test_predicting_does_not_compute_the_auxiliary_head(kind: type[TimmSpec]) -> None:
    model, plain = segmenter(kind).eval(), segmenter(kind, aux_loss_weight=0).eval()
    head = model.network.get_submodule("auxiliary.0")
    head.register_forward_hook(lambda *_: pytest.fail("it was computed"))
    assert torch.equal(model(images(1, 64, 64)), plain(images(1, 64, 64))), "nor does it change the first weights"
    assert not any("auxiliary" in name for name, _ in plain.named_parameters())
    assert plain.forward_train(images(1, 64, 64))[1] == []


@torch.no_grad()
def test_a_network_without_heads_is_trained_on_its_logits() -> None:
    model = Segmenter(Fcn().build(K), Fcn()).eval()
    logits, auxiliary = model.forward_train(images(1, 40, 50))
    assert torch.equal(logits, model(images(1, 40, 50)))
    assert auxiliary == []


@every_one
def test_decoders_start_from_kaiming_normal_and_class_scores_near_zero(kind: type[TimmSpec]) -> None:
    model = segmenter(kind).train()
    network: EncoderDecoder = model.network  # type: ignore[assignment]  # a Segmenter holds any module
    convolutions = [
        layer
        for part in (network.decoder, network.get_submodule("auxiliary.0.0"))
        for layer in part.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    assert convolutions
    for layer in convolutions:
        deviation = math.sqrt(2 / (layer.out_channels * layer.weight[0, 0].numel()))
        assert layer.weight.std().item() == pytest.approx(deviation, rel=4 / math.sqrt(layer.weight.numel()))
        assert layer.bias is None
    logits, (scores,) = model.forward_train(images(2, 64, 64))
    for given in (logits, scores):
        labels = torch.randint(0, K, (2, *given.shape[-2:]), generator=torch.Generator().manual_seed(2))
        assert F.cross_entropy(given, labels).item() == pytest.approx(math.log(K), rel=0.05)


@every_one
def test_one_image_of_64_pixels_is_enough_to_train_on_if_there_are_two(kind: type[TimmSpec]) -> None:
    model = segmenter(kind).train()
    assert model(images(2, 64, 64)).shape == (2, K, 64, 64)
    if kind in (DeeplabV3Plus, PpLiteseg):  # they average over the whole image
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            model(images(1, 64, 64))
    else:
        assert model(images(1, 64, 64)).shape == (1, K, 64, 64)


@torch.no_grad()
def test_the_unet_is_that_of_segmentation_models_pytorch() -> None:
    """Up to the classifier, which is 1×1 here and 3×3 there."""
    widths = (64, 32, 16, 8, 4)
    torch.manual_seed(7)
    theirs = Unet("resnet18", encoder_weights=None, decoder_channels=widths, classes=K).eval()
    randomize(theirs)
    ours = EncoderUnet(weights=None, widths=widths, stride=1).build(K).eval()
    take_over(ours.encoder.get_submodule("layers"), theirs.encoder)
    take_over(ours.decoder, theirs.decoder)
    given = torch.randn(1, 3, 64, 96)
    expected = theirs.decoder(theirs.encoder(given))
    assert expected.shape == (1, 4, 64, 96)
    torch.testing.assert_close(ours.decoder(ours.encoder(given)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("stride", "stages"), [(1, 5), (2, 4), (4, 3)])
@pytest.mark.parametrize(("encoder", "skips"), [("resnet18", 4), ("convnext_atto", 3)])
def test_the_unet_ends_where_it_is_told_to_with_or_without_a_skip(
    encoder: str, skips: int, stride: int, stages: int
) -> None:
    with torch.device("meta"):
        network = EncoderUnet.model_validate({"encoder": encoder, "stride": stride}).build(K).eval()
        decoded = network.decoder(network.encoder(torch.empty(1, 3, 64, 96)))
        assert network(torch.empty(1, 3, 64, 96)).shape == (1, K, 64, 96)
    assert decoded.shape == (1, (256, 128, 64, 32, 16)[stages - 1], 64 // stride, 96 // stride)
    channels: tuple[int, ...] = network.encoder.channels  # type: ignore[assignment]  # torch types attributes as tensor or module
    joined = [network.decoder.get_submodule(f"stages.{stage}.0.0") for stage in range(stages)]
    expected = [*reversed(channels[:-1]), 0, 0][:stages]
    widths = (channels[-1], 256, 128, 64, 32)
    assert [conv.in_channels for conv in joined] == [w + s for w, s in zip(widths, expected, strict=False)]
    assert sum(map(bool, expected)) == min(skips, stages)


@torch.no_grad()
def test_separable_aspp_is_that_of_segmentation_models_pytorch() -> None:
    torch.manual_seed(7)
    theirs = ASPP(12, 8, (6, 12, 18), separable=True, dropout=0.1).eval()
    randomize(theirs)
    ours = SeparableAspp(12, 8, (6, 12, 18)).eval()
    take_over(ours, theirs)
    given = torch.randn(2, 12, 40, 37)
    torch.testing.assert_close(ours(given), theirs(given))


@torch.no_grad()
def test_deeplabs_decoder_joins_48_channels_at_a_quarter_and_convolves_twice() -> None:
    torch.manual_seed(7)
    network = DeeplabV3Plus(weights=None, channels=32).build(K).eval()
    randomize(network)
    decoder, features = network.decoder, network.encoder(torch.randn(1, 3, 64, 96))
    low = decoder.get_submodule("low")(features[1])
    assert low.shape == (1, 48, 16, 24)
    deep = F.interpolate(decoder.get_submodule("pyramid")(features[-1]), scale_factor=4.0, mode="bilinear")
    first, second = decoder.get_submodule("refine").children()
    torch.testing.assert_close(decoder(features), second(first(torch.cat([deep, low], 1))))


@torch.no_grad()
def test_segformers_head_is_that_of_segmentation_models_pytorch() -> None:
    """Which projects with a bias, upsamples everything, and only then fuses."""
    levels, channels = (8, 16, 24, 40), 12
    torch.manual_seed(7)
    theirs = segformer.SegformerDecoder([3, 0, *levels], segmentation_channels=channels).eval()
    randomize(theirs)
    ours = SegformerDecoder(levels, channels).eval()
    parts = theirs.fuse_stage[0].weight.chunk(4, dim=1)  # deepest first
    for place, (mlp, part) in enumerate(zip(reversed(theirs.mlp_stage), reversed(parts), strict=True)):
        nn.init.zeros_(mlp.linear.bias)
        ours.project[place].get_parameter("weight").copy_(mlp.linear.weight[..., None, None])
        ours.fuse[place].get_parameter("weight").copy_(part)
    take_over(ours.activate[0], theirs.fuse_stage[1])
    features = [torch.randn(2, c, 64 // s, 96 // s) for c, s in zip(levels, (4, 8, 16, 32), strict=True)]
    expected = theirs([torch.empty(2, 3, 64, 96), torch.empty(2, 0, 32, 48), *features])
    torch.testing.assert_close(ours(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bins", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (4, 8), (12, 15), (7, 64)])
@torch.no_grad()
def test_pooling_by_products_is_adaptive_pooling(size: tuple[int, int], bins: int) -> None:
    given = torch.randn(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(pooled(given, bins), F.adaptive_avg_pool2d(given, bins))


@torch.no_grad()
def test_pyramid_pooling_adds_up_its_three_levels() -> None:
    torch.manual_seed(7)
    pooling, given = PyramidPooling(6, 4).eval(), torch.randn(1, 6, 8, 12)
    randomize(pooling)
    levels = [project(F.adaptive_avg_pool2d(given, n)) for project, n in zip(pooling.project, (1, 2, 4), strict=True)]
    added = torch.stack([F.interpolate(level, (8, 12), mode="bilinear") for level in levels]).sum(0)
    torch.testing.assert_close(pooling(given), pooling.join(added))


@torch.no_grad()
def test_attention_chooses_between_deep_and_shallow_at_each_place() -> None:
    """Told by the largest and the mean of both: with a great bias for one of them, that one is what comes out."""
    torch.manual_seed(7)
    fusion = AttentionFusion(level=5, channels_in=4, channels_out=3).eval()
    randomize(fusion)
    level, deeper = torch.rand(1, 5, 8, 8), torch.rand(1, 4, 4, 4)
    own, upsampled = fusion.project(level), F.interpolate(deeper, (8, 8), mode="bilinear")
    looks = torch.stack([upsampled.mean(1), upsampled.amax(1), own.mean(1), own.amax(1)], dim=1)
    share = fusion.attend(looks)
    assert share.shape == (1, 1, 8, 8)
    torch.testing.assert_close(fusion(level, deeper), fusion.join(upsampled * share + own * (1 - share)))
    norm = fusion.attend.get_submodule("1")
    for bias, chosen in ((100, upsampled), (-100, own)):
        nn.init.constant_(norm.get_parameter("bias"), bias)
        torch.testing.assert_close(fusion(level, deeper), fusion.join(chosen))


@pytest.mark.parametrize(("stride", "widths"), [(8, (128, 96, 64)), (4, (128, 96, 64, 64))])
def test_pp_liteseg_ends_where_it_is_told_to(stride: int, widths: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = PpLiteseg.model_validate({"stride": stride}).build(K).eval()
        decoded = network.decoder(network.encoder(torch.empty(1, 3, 64, 96)))
    assert decoded.shape == (1, 64, 64 // stride, 96 // stride)
    fusions = [part for part in network.decoder.modules() if isinstance(part, AttentionFusion)]
    found = [[part.get_parameter(f"{name}.0.weight").shape[0] for name in ("project", "join")] for part in fusions]
    assert found == [list(pair) for pair in pairwise(widths)]
