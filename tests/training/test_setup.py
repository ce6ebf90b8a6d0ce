"""Auxiliary heads: their labels, and their part in the training step."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.core.types import Features, Logits
from pixelwise.experiment import Experiment
from pixelwise.models import ModelSpec
from pixelwise.training import loop
from pixelwise.training.loop import train
from pixelwise.training.setup import Learner, subsample_labels


class Supervised(ModelSpec):
    """Two heads on one convolution; the second is evaluated at a quarter of the size."""

    kind: str = f"{__file__}:Supervised"
    aux: float = 0.4

    @property
    def auxiliary_weight(self) -> float:
        return self.aux

    def build(self, num_classes: int) -> nn.Module:
        return TwoHeads(num_classes)


class TwoHeads(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 3, padding=1)
        self.main, self.inner = nn.Conv2d(4, num_classes, 1), nn.Conv2d(4, num_classes, 1)

    def forward(self, images: Features) -> Logits:
        logits: Tensor = self.main(self.encoder(images))
        return logits

    def forward_train(self, images: Features) -> list[Tensor]:
        features = self.encoder(images)
        return [self.main(features), self.inner(features[..., ::4, ::4])]


def test_subsampled_labels_are_those_at_the_positions_of_a_strided_convolution() -> None:
    """A kernel that only sees its middle, with the usual padding."""
    labels = torch.arange(7 * 10).view(1, 7, 10).clone()
    labels[0, 4, 4] = IGNORE
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[..., 1, 1] = 1
    looked = F.conv2d(labels[:, None].float(), kernel, stride=4, padding=1)
    assert looked.shape[-2:] == (2, 3)
    assert torch.equal(subsample_labels(labels, looked), looked[:, 0].long())


@pytest.mark.parametrize("aux", [0.0, 0.4])
def test_the_step_follows_the_gradient_of_the_loss_and_the_weighted_auxiliary_loss(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aux: float
) -> None:
    """One step of plain gradient descent, against one that autograd was asked for by hand."""
    monkeypatch.setattr(loop, "draw_curves", lambda *_: None)
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)
    changes = {"fit.epochs": "1", "fit.batch_size": "8", "fit.optimizer.kind": "sgd", "fit.optimizer.lr": "1"}
    experiment = tiny.replace(model=Supervised(aux=aux)).with_values({**changes, "fit.precision": "fp32"})
    before: dict[str, Tensor] = {}
    expected: dict[str, Tensor] = {}
    real = loop._train_round

    def watched(learner: Learner, number: int, *rest: object) -> object:
        (images, labels), *none = learner.loader.round(number)
        assert not none
        logits, auxiliary = learner.model.forward_train(images)
        loss = F.cross_entropy(logits, labels.long(), ignore_index=IGNORE)
        assert len(auxiliary) == (1 if aux else 0)
        for head in auxiliary:
            loss = loss + aux * F.cross_entropy(head, labels[:, ::4, ::4].long(), ignore_index=IGNORE)
        names, parameters = zip(*learner.model.named_parameters(), strict=True)
        expected.update(zip(names, torch.autograd.grad(loss, parameters, materialize_grads=True), strict=True))
        before.update({name: parameter.detach().clone() for name, parameter in learner.model.named_parameters()})
        trained = real(learner, number, *rest)  # type: ignore[arg-type]  # the loop's own rest, passed on
        for name, parameter in learner.model.named_parameters():
            torch.testing.assert_close(before[name] - parameter.detach(), expected[name], msg=name)
        return trained

    monkeypatch.setattr(loop, "_train_round", watched)
    train(experiment, out=tmp_path / "run")
    assert bool(expected["network.inner.weight"].any()) == bool(aux)
