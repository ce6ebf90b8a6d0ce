"""Setup of a training: model, optimizer, data loader and settings."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Integer
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pixelwise.core.machine import Machine
from pixelwise.core.seeding import seed_torch
from pixelwise.core.types import AuxiliaryLogits, Images, Labels, Logits
from pixelwise.data import SegmentationDataset
from pixelwise.data.loading import TrainLoader
from pixelwise.data.statistics import Statistics
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.runtime import MEMORY_FORMATS
from pixelwise.losses import LossFunction
from pixelwise.models import Segmenter
from pixelwise.training.ema import build_ema
from pixelwise.training.feature_cache import FeatureCache, cacheable_variants
from pixelwise.training.optimizer import build_optimizer


@dataclass
class Learner:
    """Model, optimizer, data loader and settings of a training run.

    Attributes:
        model: The network that is trained.
        forward: Function of images, on any device, that gives its logits and those of its auxiliary heads.
        loss: Function of logits and labels.
        aux_loss_weight: Weight of the loss of each auxiliary head.
        optimizer: Optimizer of the model's weights.
        loader: Training batches.
        machine: Device, precision, threads and workers.
        fit: Settings of the training.
        average: Exponential moving average of the model's weights, if one is kept.
    """

    model: Segmenter
    forward: Callable[[Images], tuple[Logits, list[AuxiliaryLogits]]]
    loss: LossFunction
    aux_loss_weight: float
    optimizer: torch.optim.Optimizer
    loader: TrainLoader
    machine: Machine
    fit: Fit
    average: AveragedModel | None

    @property
    def eval_model(self) -> Segmenter:
        """The network that is evaluated and saved: the moving average, if one is kept."""
        if self.average is None:
            return self.model
        assert isinstance(self.average.module, Segmenter)
        return self.average.module


def build_network(experiment: Experiment) -> nn.Module:
    """The network with random weights from the experiment's seed."""
    seed_torch(experiment.fit.seed)
    return experiment.model.build(experiment.data.label_space.num_classes)


def build_learner(
    experiment: Experiment, machine: Machine, split: SegmentationDataset, statistics: Statistics, network: nn.Module
) -> Learner:
    """Moves a network to its device and builds the loss, the data loader and the optimizer.

    Raises:
        InvalidSpec: `encoder_lr` is set, and the network has no trainable encoder.
    """
    fit, spec, device = experiment.fit, experiment.model, machine.torch_device
    red, green, blue = statistics.std
    # A channel that is constant in all images has a deviation of 0: it becomes 0, as in scikit-learn's StandardScaler.
    mean, std = spec.mean or statistics.mean, spec.std or (red or 1.0, green or 1.0, blue or 1.0)
    memory_format = MEMORY_FORMATS[fit.memory_format]
    model = Segmenter(network, spec, mean, std).to(device).to(memory_format=memory_format)
    step = torch.compile(model.forward_train) if fit.compile else model.forward_train
    cached = 0 if fit.compile else len(split) * cacheable_variants(spec, experiment.augment)
    cache = FeatureCache(model, cached) if cached else None

    def forward(images: Images) -> tuple[Logits, list[AuxiliaryLogits]]:
        if cache:
            return cache(images), []
        return step(images.to(device, non_blocking=True).contiguous(memory_format=memory_format))

    loss = experiment.loss.build(torch.tensor(statistics.pixel_counts))
    loss.to(device)
    loader = TrainLoader(
        split, experiment.augment, experiment.image_size, fit.batch_size, fit.seed, machine.workers,
        pin_memory=device.type == "cuda", epochs_per_round=fit.val_every,
    )  # fmt: skip
    optimizer = build_optimizer(fit.optimizer, model.parameters(), spec.encoder_parameters(model.network))
    average = build_ema(model, fit.ema_decay) if fit.ema_decay is not None else None
    return Learner(model, forward, loss, spec.auxiliary_weight, optimizer, loader, machine, fit, average)


def subsample_labels(labels: Labels, like: AuxiliaryLogits) -> Integer[Tensor, "B h w"]:
    """The labels at the positions of logits that are smaller by an integer factor, such as an auxiliary head's.

    The i-th position of a stride-s convolution with the usual padding is at pixel s·i.
    """
    down, right = (-(-have // want) for have, want in zip(labels.shape[-2:], like.shape[-2:], strict=True))
    return labels[:, ::down, ::right]
