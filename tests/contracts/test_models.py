"""Contract of networks, for every registered one and for a user's own."""

import math
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from pixelwise import models
from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Features
from pixelwise.experiment import Experiment
from pixelwise.inference.weights import fill_model, load_tensors, save_tensors
from pixelwise.models import MODELS, DeeplabV3, ModelSpec, ResnetAspp, ResnetFcn, Segmenter
from pixelwise.models.timm_encoder import TimmSpec
from pixelwise.run.migrations import migrate_header
from tests.networks import Small

ON_TIMM = {kind for kind, spec in MODELS.items() if issubclass(spec, TimmSpec)}
"""Networks on an encoder of timm, by default a ResNet-18; here each with an auxiliary head."""
WITHOUT_WEIGHTS = {"deeplabv3", "resnet_aspp", "resnet_fcn", "smp"} | ON_TIMM
"""Networks that start from published weights unless told not to."""
SMALLER: dict[str, dict[str, Any]] = {kind: {"encoder": "resnet18"} for kind in ("resnet_aspp", "resnet_fcn", "smp")}
SMALLER |= {kind: {"aux_loss_weight": 0.4} for kind in ON_TIMM}
"""What makes a big network small and leaves its kind."""


def spec_of(kind: str) -> ModelSpec:
    scratch = {"weights": None} if kind in WITHOUT_WEIGHTS else {}
    return MODELS[kind].model_validate(scratch | SMALLER.get(kind, {}))


SPECS: list[ModelSpec] = [*map(spec_of, MODELS), Small()]


def counted(*layers: tuple[int, int, int]) -> int:
    """Weights of convolutions (kernel, channels in, channels out), each before a BatchNorm."""
    return sum(kernel**2 * i * o + 2 * o for kernel, i, o in layers)


DEEPLABV3PLUS = (
    counted((1, 512, 256), (1, 512, 256), (1, 512, 256), (1, 512, 256), (1, 512, 256), (1, 5 * 256, 256), (1, 64, 48))
    + counted((1, 256 + 48, 256), (1, 256, 256))
    + 9 * (3 * 512 + 256 + 48 + 256)  # depthwise
)
PP_LITESEG = counted(
    (1, 512, 128), (1, 512, 128), (1, 512, 128), (3, 128, 128),  # pooling
    (3, 256, 128), (3, 4, 1), (3, 128, 96), (3, 128, 96), (3, 4, 1), (3, 96, 64), (3, 64, 64),
)  # fmt: skip
"""The decoders as their papers draw them, on a ResNet-18."""
ISAYAMA = (256, 128, 64, 32, 16)
PARAMETERS: list[tuple[ModelSpec, int]] = [
    (models.Fcn(), 5_500_245),
    (models.Fcn(norm_first=True), 5_500_245),
    (models.DilatedTanhFcn(), 14_431_765),
    (models.Fcn8Vgg(), 185_282_976),
    (models.UnpoolFcn(), 12_590_517),
    (ResnetFcn(encoder="resnet34"), 25_214_357),
    (ResnetFcn(encoder="resnet34", encoder_norm=True), 25_214_357 + 2 * 512),
    (ResnetFcn(encoder="resnet50"), 34_515_605),
    (ResnetFcn(encoder="resnet34", widths=ISAYAMA), 22_857_845),
    (models.Unet(), 31_044_821),
    (models.Unet(norm="none"), 31_033_045),
    (models.Unet(norm="instance"), 31_033_045),
    (models.Unet(up="bilinear"), 34_528_341),
    (models.ValidUnet(), 33_834_901),
    (models.R2Fcn(), 151_253),
    # The specification counts a BatchNorm on the class scores, which its own text rules out.
    (models.UnetAspp(), 35_224_255 - 2 * 21),
    # No report states these: torchvision's own parts, and what ASPP adds.
    (DeeplabV3(), 42_500_160 + 16_130_837),
    (ResnetAspp(encoder="resnet50"), 23_508_032 + 7_617_557),
    (ResnetAspp(encoder="resnet101"), 42_500_160 + 7_617_557),
    # As its library says for one class, and 145 for each other.
    (models.Smp(), 24_436_369 + 20 * 145),
    # That library's too, with a 1×1 classifier; and without the last stage of 32 to 16 to 16 channels.
    (models.EncoderUnet(encoder="resnet34", stride=1), 24_436_369 - 145 + 21 * 17),
    (models.EncoderUnet(encoder="resnet34"), 24_436_369 - 145 - (32 + 16) * 16 * 9 - 2 * 2 * 16 + 21 * 33),
    # torchvision's ResNet-18, the decoder layer by layer, and 257 or 65 for each class.
    (models.DeeplabV3Plus(), 11_176_512 + DEEPLABV3PLUS + 21 * 257),
    (models.Segformer(), 11_176_512 + 256 * (64 + 128 + 256 + 512 + 4 * 256 + 2) + 21 * 257),
    (models.PpLiteseg(), 11_176_512 + PP_LITESEG + 21 * 65),
]
"""Parameters for 21 classes, from the reports' specification."""
SIZES = [(33, 47), (32, 32), (100, 37), (20, 9), (1, 1)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def name_of(spec: ModelSpec) -> str:
    return spec.kind.rpartition(":")[2]


# Of the whole module, so that all tests of one network run in a row and only that one is in memory.
@pytest.fixture(
    scope="module",
    params=[pytest.param(s, marks=pytest.mark.slow if s.kind == "fcn8_vgg" else ()) for s in SPECS],
    ids=name_of,
)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    given: ModelSpec = request.param
    return given


@pytest.fixture(scope="module")
def fresh(spec: ModelSpec) -> Iterator[Segmenter]:
    """As built with seed 0, in eval. A test that changes it takes a copy."""
    model = built(spec).eval()
    before = {name: tensor.sum(dtype=torch.float64) for name, tensor in model.state_dict().items()}
    yield model
    assert all(
        torch.equal(tensor.sum(dtype=torch.float64), before[name]) for name, tensor in model.state_dict().items()
    )


@pytest.fixture(scope="module")
def other(spec: ModelSpec) -> Segmenter:
    """As built with seed 1."""
    return built(spec, seed=1)


def built(spec: ModelSpec, num_classes: int = 3, seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    return Segmenter(spec.build(num_classes), spec, MEAN, STD)


def images(batch: int, height: int, width: int) -> Tensor:
    shape = (batch, 3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(height))


class Recorder(nn.Module):
    """Keeps what it is given, and gives it back."""

    def forward(self, given: Features) -> Features:
        self.given = given
        return given


@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_every_size_gives_finite_logits_of_that_size(fresh: Segmenter, size: tuple[int, int]) -> None:
    logits = fresh(images(1, *size))
    assert logits.shape == (1, 3, *size)
    assert logits.isfinite().all()


@pytest.mark.parametrize("num_classes", [2, 11, 21])
@torch.no_grad()
def test_the_data_set_alone_decides_the_number_of_classes(spec: ModelSpec, num_classes: int) -> None:
    """On the meta device, which computes shapes only; every network runs there."""
    with torch.device("meta"):
        model = Segmenter(spec.build(num_classes), spec).eval()
        assert model(torch.empty(1, 3, 32, 32, dtype=torch.uint8)).shape == (1, num_classes, 32, 32)
    assert not {"num_classes", "classes"} & type(spec).model_fields.keys()


def test_every_trainable_parameter_learns_from_two_images_of_48_pixels(fresh: Segmenter) -> None:
    model = deepcopy(fresh).train()
    labels = torch.randint(0, 3, (2, 48, 48), generator=torch.Generator().manual_seed(1))
    for layer in model.modules():  # timm's residual branches end in a scale of 0, behind which nothing learns at first
        if isinstance(layer, nn.BatchNorm2d) and layer.affine and not layer.weight.any():
            nn.init.ones_(layer.weight)
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    logits, auxiliary = model.forward_train(images(2, 48, 48))
    losses = [F.cross_entropy(logits, labels), *(F.cross_entropy(s, labels[:, ::16, ::16]) for s in auxiliary)]
    gradients = torch.autograd.grad(losses, list(learning.values()))
    # What such a bias adds is subtracted again: its gradient is 0 but for rounding.
    before_norm = {
        f"{name}.0.bias"
        for name, stage in model.named_modules()
        if isinstance(stage, nn.Sequential) and len(stage) > 1 and isinstance(stage[1], nn.BatchNorm2d)
    }
    for name, gradient in zip(learning, gradients, strict=True):
        assert gradient.isfinite().all(), name
        assert gradient.any() or name in before_norm, name


@torch.no_grad()
def test_weights_bring_their_normalization_and_give_the_same_logits_again(
    spec: ModelSpec, fresh: Segmenter, other: Segmenter, tmp_path: Path
) -> None:
    trained, file, image = deepcopy(fresh), tmp_path / "weights.safetensors", images(1, 20, 9)
    for buffer in trained.buffers():  # statistics and constants away from where they start
        buffer.add_(1)
    logits = trained(image)
    save_tensors(file, trained.state_dict(), {"epoch": 7})
    loaded = Segmenter(deepcopy(other.network), spec)
    assert not torch.equal(loaded.eval()(image), logits)
    tensors, metadata = load_tensors(file)
    fill_model(loaded, tensors, file)
    assert migrate_header(metadata, val_every=1)["epoch"] == 7
    file.unlink()  # it may be large, and pytest keeps its folders
    assert torch.equal(loaded(image), logits)
    assert torch.equal(loaded.mean, trained.mean)
    assert torch.equal(loaded.std, trained.std)


def test_the_seed_decides_the_first_weights(spec: ModelSpec, fresh: Segmenter, other: Segmenter) -> None:
    again = built(spec)
    for (name, first), same, another in zip(
        fresh.named_parameters(), again.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(first, same), name
        assert first.ndim == 1 or not torch.equal(first, another), name  # biases are 0, scales are 1


def test_a_spec_comes_back_from_json_inside_an_experiment(spec: ModelSpec, tiny: Experiment) -> None:
    experiment = tiny.replace(model=spec.replace(mean=MEAN, std=STD))
    back = Experiment.from_json(experiment.to_json()).model
    assert back.model_dump() == experiment.model.model_dump()
    assert type(back).__name__ == type(spec).__name__


@torch.no_grad()
def test_at_the_networks_multiple_nothing_is_padded(spec: ModelSpec) -> None:
    side = -(-max(spec.min_size, 64) // spec.multiple) * spec.multiple
    recorder = Recorder()
    segmenter = Segmenter(recorder, spec, MEAN, STD)
    logits = segmenter(images(1, side, side + spec.multiple))
    assert recorder.given.shape[2:] == (side, side + spec.multiple)
    expected = transforms.normalize(images(1, side, side + spec.multiple) / 255, list(MEAN), list(STD))
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_other_sizes_are_padded_with_zeros_right_and_below_and_cropped(spec: ModelSpec, size: tuple[int, int]) -> None:
    height, width = (math.ceil(max(side, spec.min_size) / spec.multiple) * spec.multiple for side in size)
    normalized = transforms.normalize(images(1, *size) / 255, list(MEAN), list(STD))
    by_hand = torch.zeros(1, 3, height, width)
    by_hand[:, :, : size[0], : size[1]] = normalized
    recorder = Recorder()
    logits = Segmenter(recorder, spec, MEAN, STD)(images(1, *size))
    torch.testing.assert_close(recorder.given, by_hand)
    torch.testing.assert_close(logits, normalized)


@torch.no_grad()
def test_in_eval_an_images_logits_do_not_depend_on_its_batch(fresh: Segmenter) -> None:
    """In fp64, where the order of the arithmetic does not show."""
    model, batch = deepcopy(fresh).double(), images(2, 20, 9)
    torch.testing.assert_close(model(batch)[1:], model(batch[1:]))


OWN = [spec for spec in SPECS if spec.kind in MODELS.keys() - ON_TIMM - {"smp"}]


@pytest.mark.parametrize("spec", OWN, ids=name_of, indirect=True, scope="module")
def test_first_weights_are_xavier_uniform_and_biases_zero(fresh: Segmenter) -> None:
    """Within ±sqrt(6 / (fan in + fan out)), and reaching out to it. Networks of others start as they like."""
    for name, layer in fresh.network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            bound = math.sqrt(6 / (sum(layer.weight.shape[:2]) * layer.weight[0, 0].numel()))
            number = layer.weight.numel()
            assert min(1 - 10 / number, 1 - 1e-5) * bound < layer.weight.abs().max() <= bound, name
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=2 / math.sqrt(number)), name
            assert layer.bias is None or not layer.bias.any(), name


@pytest.mark.parametrize("kind", sorted(kind for kind, spec in MODELS.items() if "frozen" in spec.model_fields))
def test_freezing_random_weights_is_refused(kind: str) -> None:
    with pytest.raises(InvalidSpec, match=r"without pretrained weights.*set model.frozen=false.* as well"):
        spec_of(kind).replace(frozen=True)


@pytest.mark.parametrize(("spec_to_count", "parameters"), PARAMETERS, ids=lambda v: getattr(v, "kind", None))
def test_parameters_are_as_many_as_the_reports(spec_to_count: ModelSpec, parameters: int) -> None:
    with torch.device("meta"):
        network = spec_to_count.build(21)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_every_network_is_counted() -> None:
    assert {spec.kind for spec, _ in PARAMETERS} == set(MODELS)


@pytest.mark.parametrize("constants", [{"mean": MEAN}, {"std": STD}, {"mean": MEAN, "std": (0.2, 0, 0.2)}])
def test_a_spec_refuses_half_a_normalization_and_division_by_zero(constants: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mean and std are given together|greater than 0"):
        Small.model_validate(constants)
