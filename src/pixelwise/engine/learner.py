"""What the training step works on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Integer
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pixelwise.core.chance import seed_torch
from pixelwise.core.types import AuxiliaryLogits, Images, Labels, Logits
from pixelwise.data import SegmentationDataset
from pixelwise.data.loading import TrainLoader
from pixelwise.data.statistics import Statistics
from pixelwise.engine.average import averaged
from pixelwise.engine.features import Remembering, variants
from pixelwise.engine.precision import MEMORY_FORMATS, Machine
from pixelwise.engine.schedule import build_optimizer
from pixelwise.experiment import Experiment, Fit
from pixelwise.losses import LossFunction
from pixelwise.models import Segmenter


@dataclass
class Learner:
    """What the step works on.

    Attributes:
        model: What learns.
        forward: Images, on any device, to its logits and those of its auxiliary heads.
        loss: Of logits and labels.
        aux: Weight of an auxiliary head's loss.
        optimizer: Moves the model's weights.
        loader: Gives the batches.
        machine: Says how to compute.
        fit: Says how to train.
        average: The moving average of the model's weights, where one is kept.
    """

    model: Segmenter
    forward: Callable[[Images], tuple[Logits, list[AuxiliaryLogits]]]
    loss: LossFunction
    aux: float
    optimizer: torch.optim.Optimizer
    loader: TrainLoader
    machine: Machine
    fit: Fit
    average: AveragedModel | None

    @property
    def kept(self) -> Segmenter:
        """The network that is judged and kept: the average, where there is one."""
        if self.average is None:
            return self.model
        assert isinstance(self.average.module, Segmenter)
        return self.average.module


def build_network(experiment: Experiment) -> nn.Module:
    """The network with weights from the seed."""
    seed_torch(experiment.fit.seed)
    return experiment.model.build(experiment.data.label_space.num_classes)


def build_learner(
    experiment: Experiment, machine: Machine, split: SegmentationDataset, statistics: Statistics, network: nn.Module
) -> Learner:
    """Puts a network where it learns, beside all that it takes.

    Raises:
        InvalidSpec: The encoder has a rate of its own, and the network no encoder.
    """
    fit, device = experiment.fit, machine.torch_device
    mean, std = experiment.model.mean or statistics.mean, experiment.model.std or statistics.std
    memory_format = MEMORY_FORMATS[fit.memory_format]
    model = Segmenter(network, experiment.model, mean, std).to(device).to(memory_format=memory_format)
    aux = float(getattr(experiment.model, "aux", 0))
    step = torch.compile(model.forward_train) if fit.compile else model.forward_train
    views = 0 if fit.compile else len(split) * variants(experiment.model, experiment.augment)
    remembering = Remembering(model, views) if views else None

    def forward(images: Images) -> tuple[Logits, list[AuxiliaryLogits]]:
        if remembering:
            return remembering(images), []
        return step(images.to(device, non_blocking=True).contiguous(memory_format=memory_format))

    loss = experiment.loss.build(torch.tensor(statistics.pixel_counts))
    loss.to(device)
    loader = TrainLoader(
        split, experiment.augment, experiment.size, fit.batch_size, fit.seed, machine.workers,
        pin_memory=device.type == "cuda", passes=fit.passes,
    )  # fmt: skip
    encoder = getattr(model.network, "encoder", None)
    of_encoder = encoder.parameters() if isinstance(encoder, nn.Module) else ()
    optimizer = build_optimizer(fit.optimizer, model.parameters(), of_encoder)
    average = averaged(model, fit.ema) if fit.ema is not None else None
    return Learner(model, forward, loss, aux, optimizer, loader, machine, fit, average)


def thinned(labels: Labels, like: AuxiliaryLogits) -> Integer[Tensor, "B h w"]:
    """The labels at the places of logits that are smaller by a whole factor: an auxiliary head's.

    A stride-s convolution with the usual padding has its i-th place at pixel s·i.
    """
    down, right = (-(-have // want) for have, want in zip(labels.shape[-2:], like.shape[-2:], strict=True))
    return labels[:, ::down, ::right]
