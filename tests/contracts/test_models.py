"""What every registered network promises, and one that a user wrote."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from pixelwise.core.types import Features
from pixelwise.engine.checkpoint import load_weights, save_weights
from pixelwise.experiment import Experiment
from pixelwise.models import MODELS, ModelSpec, Segmenter
from tests.networks import Small

PARAMETERS = {
    "fcn": 5_500_245,
}
"""Kind -> parameters for 21 classes, from the reports' specification."""

SPECS: list[ModelSpec] = [*(spec.model_validate({}) for spec in MODELS.values()), Small()]
SIZES = [(33, 47), (32, 32), (100, 37), (64, 96), (20, 9), (1, 1)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

every_model = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind.rpartition(":")[2])


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


@every_model
@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_every_size_gives_finite_logits_of_that_size(spec: ModelSpec, size: tuple[int, int]) -> None:
    logits = built(spec).eval()(images(2, *size))
    assert logits.shape == (2, 3, *size)
    assert logits.isfinite().all()


@every_model
@pytest.mark.parametrize("num_classes", [2, 11, 21])
@torch.no_grad()
def test_the_data_set_alone_decides_the_number_of_classes(spec: ModelSpec, num_classes: int) -> None:
    assert built(spec, num_classes).eval()(images(1, 32, 32)).shape[1] == num_classes
    assert not {"num_classes", "classes"} & type(spec).model_fields.keys()


@every_model
def test_every_trainable_parameter_learns_from_two_images_of_64_pixels(spec: ModelSpec) -> None:
    model = built(spec).train()
    labels = torch.randint(0, 3, (2, 64, 64), generator=torch.Generator().manual_seed(1))
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    gradients = torch.autograd.grad(F.cross_entropy(model(images(2, 64, 64)), labels), list(learning.values()))
    for name, gradient in zip(learning, gradients, strict=True):
        assert gradient.isfinite().all(), name
        assert gradient.any(), name


@every_model
@torch.no_grad()
def test_weights_bring_their_normalisation_and_give_the_same_logits_again(spec: ModelSpec, tmp_path: Path) -> None:
    trained = built(spec)
    trained.train()(images(2, 64, 64))  # moves the running statistics away from where they start
    save_weights(tmp_path / "weights.safetensors", trained, epoch=7)
    torch.manual_seed(1)
    loaded = Segmenter(spec.build(3), spec)
    assert not torch.equal(loaded.eval()(images(1, 50, 40)), trained.eval()(images(1, 50, 40)))
    assert load_weights(tmp_path / "weights.safetensors", loaded) == 7
    assert torch.equal(loaded(images(1, 50, 40)), trained(images(1, 50, 40)))
    assert torch.equal(loaded.mean, trained.mean)
    assert torch.equal(loaded.std, trained.std)


@every_model
def test_the_seed_decides_the_first_weights(spec: ModelSpec) -> None:
    def weights(seed: int) -> Tensor:
        return nn.utils.parameters_to_vector(built(spec, seed=seed).parameters())

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


@every_model
def test_a_spec_comes_back_from_json_inside_an_experiment(spec: ModelSpec, tiny: Experiment) -> None:
    experiment = tiny.replace(model=spec.replace(mean=MEAN, std=STD))
    back = Experiment.from_json(experiment.to_json()).model
    assert back.model_dump() == experiment.model.model_dump()
    assert type(back).__name__ == type(spec).__name__


@every_model
@torch.no_grad()
def test_at_the_networks_multiple_nothing_is_padded(spec: ModelSpec) -> None:
    side = -(-max(spec.min_size, 64) // spec.multiple) * spec.multiple
    recorder = Recorder()
    segmenter = Segmenter(recorder, spec, MEAN, STD)
    logits = segmenter(images(1, side, side + spec.multiple))
    assert recorder.given.shape[2:] == (side, side + spec.multiple)
    expected = transforms.normalize(images(1, side, side + spec.multiple) / 255, list(MEAN), list(STD))
    torch.testing.assert_close(logits, expected)


@every_model
@pytest.mark.parametrize("size", SIZES, ids=str)
@torch.no_grad()
def test_other_sizes_are_padded_with_zeros_right_and_below_and_cropped(spec: ModelSpec, size: tuple[int, int]) -> None:
    model = built(spec).eval().double()  # in fp64, where the order of the arithmetic does not show
    height, width = (math.ceil(max(side, spec.min_size) / spec.multiple) * spec.multiple for side in size)
    by_hand = torch.zeros(1, 3, height, width, dtype=torch.float64)
    by_hand[:, :, : size[0], : size[1]] = transforms.normalize(images(1, *size).double() / 255, list(MEAN), list(STD))
    model.mean, model.std = (255 * torch.tensor(c, dtype=torch.float64).view(3, 1, 1) for c in (MEAN, STD))
    torch.testing.assert_close(model(images(1, *size)), model.network(by_hand)[..., : size[0], : size[1]])


@every_model
@torch.no_grad()
def test_in_eval_an_images_logits_do_not_depend_on_its_batch(spec: ModelSpec) -> None:
    model, batch = built(spec).eval().double(), images(3, 50, 40)
    torch.testing.assert_close(model(batch)[1:2], model(batch[1:2]))


@pytest.mark.parametrize("kind", MODELS)
def test_first_weights_are_xavier_uniform_and_biases_zero(kind: str) -> None:
    """Within ±sqrt(6 / (fan in + fan out)), and reaching out to it."""
    torch.manual_seed(0)
    for name, layer in MODELS[kind].model_validate({}).build(21).named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            bound = math.sqrt(6 / (sum(layer.weight.shape[:2]) * layer.weight[0, 0].numel()))
            assert 0.95 * bound < layer.weight.abs().max() <= bound, name
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1), name
            assert layer.bias is None or not layer.bias.any(), name


@pytest.mark.parametrize("kind", MODELS)
def test_parameters_are_as_many_as_the_reports(kind: str) -> None:
    network = MODELS[kind].model_validate({}).build(21)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[kind]


@pytest.mark.parametrize("constants", [{"mean": MEAN}, {"std": STD}, {"mean": MEAN, "std": (0.2, 0, 0.2)}])
def test_a_spec_refuses_half_a_normalisation_and_division_by_zero(constants: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mean and std are given together|greater than 0"):
        Small.model_validate(constants)
