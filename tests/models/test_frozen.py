"""A frozen part stays unchanged to the bit while the rest of the network is trained."""

import pytest
import torch
from torch.nn import functional as F

from pixelwise.experiment import Optimizer
from pixelwise.models import DeeplabV3, ModelSpec, ResnetAspp, ResnetFcn, Segmenter
from pixelwise.training.optimizer import build_optimizer

FROZEN: list[tuple[ModelSpec, str]] = [
    (ResnetFcn(encoder="resnet18", frozen=True), "encoder."),
    (ResnetFcn(encoder="resnet18", frozen=True, encoder_norm=True), "encoder."),
    (ResnetAspp(encoder="mobilenet_v2", frozen=True), "encoder."),
    (DeeplabV3(frozen=True), "backbone."),
]
"""Networks, and how the names of what is frozen in them begin."""
every_one = pytest.mark.parametrize(
    ("spec", "part"), FROZEN, ids=["resnet_fcn", "resnet_fcn-norm", "resnet_aspp", "deeplabv3"]
)


def step(model: Segmenter) -> None:
    """One of training mode, with a weight decay that would move a weight without a gradient, too."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 3, (2, 48, 48), generator=generator)
    optimizer = build_optimizer(Optimizer(kind="adamw", lr=0.1, weight_decay=0.5), model.parameters())
    F.cross_entropy(model.train()(images), labels).backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    optimizer.step()


@every_one
def test_no_weight_and_no_statistic_of_it_moves_while_everything_else_does(spec: ModelSpec, part: str) -> None:
    torch.manual_seed(0)
    model = Segmenter(spec.build(3), spec)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    step(model)
    for name, parameter in model.network.named_parameters():
        assert (parameter.grad is None) == name.startswith(part), name
        assert parameter.requires_grad != name.startswith(part), name
    moved = {name for name, tensor in model.network.state_dict().items() if not torch.equal(tensor, before[name])}
    # A convolution's bias in front of a BatchNorm is subtracted again: it may stay where it is.
    assert {name for name in before if not name.startswith(part) and not name.endswith(".0.bias")} <= moved
    assert not any(name.startswith(part) for name in moved)


@every_one
def test_thawed_the_same_network_trains_as_a_whole(spec: ModelSpec, part: str) -> None:
    spec = spec.replace(frozen=False)
    with torch.device("meta"):
        model = Segmenter(spec.build(3), spec).eval().train()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(layer.training for layer in model.modules())


def test_thawed_its_statistics_move() -> None:
    """Else the test above could not fail."""
    spec = ResnetFcn(encoder="resnet18")
    model = Segmenter(spec.build(3), spec)
    mean = model.network.get_submodule("encoder.layers.bn1").get_buffer("running_mean")
    before = mean.clone()
    step(model)
    assert not torch.equal(mean, before)


@pytest.mark.parametrize(
    "changes", [{"weights": None}, {"weights": None, "frozen": False, "new_last": False}], ids=["frozen", "last layer"]
)
def test_a_frozen_part_without_pretrained_weights_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"set model\.frozen=false and model\.new_last=true as well"):
        DeeplabV3.model_validate({"frozen": True, **changes})
