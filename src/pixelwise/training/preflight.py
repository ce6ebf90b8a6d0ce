"""Preflight: checks before a run folder exists, so that mistakes are found before data is decoded and time is spent.

Every component is built, a sample of each split is read, the network's shapes are traced, and the loss is called once.
"""

import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn

from pixelwise.core.errors import DataError, InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.core.machine import Machine
from pixelwise.core.user_code import located
from pixelwise.data import SegmentationDataset
from pixelwise.data.samples import check_class_ids, check_sample, described
from pixelwise.experiment import Experiment
from pixelwise.inference.runtime import check_memory_layout
from pixelwise.losses import LossValue
from pixelwise.models import DeeplySupervised, Segmenter
from pixelwise.training.setup import build_network

TRACED = 2
"""Images per batch in the checks."""


def preflight(
    experiment: Experiment, machine: Machine, train: SegmentationDataset, val: SegmentationDataset
) -> nn.Module:
    """Checks an experiment without writing anything.

    Args:
        experiment: The experiment, its data set resolved.
        machine: Device, precision, threads and workers.
        train: Training split.
        val: Validation split.

    Returns:
        The network that training starts from: random weights from the seed, pretrained ones where they are requested.

    Raises:
        InvalidSpec: A component does not fit the experiment or breaks its contract, or weights are not available.
        DataError: A sample breaks the contract of a data set.
    """
    for name in experiment.watch:
        experiment.data.label_space.class_id(name)
    experiment.code_files()
    check_split(train, experiment.data.train_split)
    check_split(val, experiment.data.val_split)
    check_loss(experiment)
    check_network(experiment, train)
    network = build_network(experiment)
    check_memory_layout(network, machine, experiment.fit)  # before weights are downloaded
    experiment.model.load_pretrained(network)
    return network


def check_split(dataset: SegmentationDataset, split: str) -> None:
    """Checks that a split has images and that its first sample keeps the contract of a data set.

    Raises:
        DataError: There is none, or its image or labels have another dtype, shape or range.
    """
    if not len(dataset):
        raise DataError(f"the split '{split}' has no images; add some, or choose another split.")
    check_class_ids(check_sample(dataset[0], split), dataset.label_space.num_classes, split)


def check_loss(experiment: Experiment) -> None:
    """Calls the loss once, on logits that are 0 and on labels of which some are ignored.

    Raises:
        InvalidSpec: It fails, does not give a sum and a count, or depends on ignored pixels.
    """
    classes, kind = experiment.data.label_space.num_classes, experiment.loss.kind
    logits = torch.zeros(TRACED, classes, 8, 8, requires_grad=True)
    labels = torch.zeros(TRACED, 8, 8, dtype=torch.uint8)
    labels[:, 0] = IGNORE
    try:
        value = experiment.loss.build(torch.ones(classes, dtype=torch.int64))(logits, labels)
    except Exception as e:
        if ":" not in kind:
            raise
        raise InvalidSpec(
            f"the loss {kind} fails on logits [{TRACED}, {classes}, 8, 8] and uint8 labels [{TRACED}, 8, 8] that"
            f" contain ignored pixels ({IGNORE}): {located(e)}."
        ) from e
    if not isinstance(value, LossValue):
        raise InvalidSpec(
            f"the loss {kind} returns {described(value)}; return pixelwise.losses.LossValue(sum, count): the sum of"
            " the losses of all valid pixels, and their number, so that batches add up."
        )
    if not all(isinstance(part, Tensor) and part.ndim == 0 for part in (value.sum, value.count)):
        raise InvalidSpec(
            f"the loss {kind} returns a sum of {described(value.sum)} and a count of {described(value.count)}; both"
            " must be tensors without dimensions."
        )
    if not value.sum.requires_grad:
        raise InvalidSpec(f"the sum of the loss {kind} does not depend on the logits: compute it from them in torch.")
    (gradient,) = torch.autograd.grad(value.sum, logits)
    if gradient[:, :, 0].any():
        raise InvalidSpec(
            f"the loss {kind} depends on the logits of ignored pixels (label {IGNORE}); leave these pixels out of the"
            " sum and of the count."
        )


def check_network(experiment: Experiment, train: SegmentationDataset) -> None:
    """Traces the network's shapes on the "meta" device, which computes no values.

    Raises:
        InvalidSpec: The logits have another number of classes or are smaller than the images, or the network cannot
            be trained on a batch of one image and the training has such a batch.
    """
    spec, classes = experiment.model, experiment.data.label_space.num_classes
    height, width = experiment.augment.crop or experiment.image_size or tuple(train[0].labels.shape)
    images = (len(train) * (2 if experiment.augment.keep_plain else 1)) * experiment.fit.val_every
    single = images % experiment.fit.batch_size == 1 % experiment.fit.batch_size
    batch = 1 if single else TRACED
    try:
        framed, logits, auxiliary = _trace(experiment, (batch, height, width), "meta")
    except InvalidSpec:
        raise
    except ValueError as e:
        if "more than 1 value per channel" in str(e):
            raise _single_image(experiment, images, (height, width)) from None
        raise _network_fails(experiment, (batch, height, width), e) from e
    except Exception as e:
        if ":" not in spec.kind:
            raise
        # A network may use an operation that the meta device lacks: the CPU decides.
        try:
            framed, logits, auxiliary = _trace(experiment, (batch, height, width), "cpu")
        except Exception:
            raise _network_fails(experiment, (batch, height, width), e) from e
    for number, scores in enumerate((logits, *auxiliary)):
        name = "the logits" if not number else "the auxiliary logits"
        if not isinstance(scores, Tensor) or scores.ndim != 4 or scores.shape[:2] != (batch, classes):
            raise InvalidSpec(
                f"{name} of {spec.kind} are {described(scores)} for {batch} images of {width}x{height}; expected"
                f" [{batch}, {classes}, H, W] with a channel for each of the {classes} classes of the data set."
            )
    if logits.shape[2] < framed[0] or logits.shape[3] < framed[1]:
        raise InvalidSpec(
            f"the logits of {spec.kind} are {logits.shape[3]}x{logits.shape[2]} for an input of"
            f" {framed[1]}x{framed[0]}; they must not be smaller: upsample them, for example with"
            " torch.nn.functional.interpolate."
        )


def _trace(experiment: Experiment, size: tuple[int, int, int], device: str) -> tuple[tuple[int, int], Any, list[Any]]:
    """(H, W) of the network's input, its logits, and its auxiliary logits, in training."""
    spec, (batch, height, width) = experiment.model, size
    with torch.device(device), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a layer's remark on the meta device is no remark on training
        network = spec.build(experiment.data.label_space.num_classes)
        if not isinstance(network, nn.Module):
            raise InvalidSpec(f"{spec.kind} builds {described(network)}; `build` must return a torch.nn.Module.")
        model = Segmenter(network, spec).train()
        framed = model.framed(torch.empty(batch, 3, height, width, dtype=torch.uint8))
        if spec.auxiliary_weight > 0:
            logits, *auxiliary = cast(DeeplySupervised, network).forward_train(framed)
        else:
            logits, auxiliary = network(framed), []
    return (framed.shape[2], framed.shape[3]), logits, auxiliary


def _single_image(experiment: Experiment, images: int, size: tuple[int, int]) -> InvalidSpec:
    """The error for BatchNorm over a single value: after global pooling, or where the image has shrunk to one pixel."""
    batch = experiment.fit.batch_size
    which = "the last batch before a validation" if images > 1 and batch > 1 else "a batch"
    remedy = f"set fit.batch_size={_next_size(images, batch)}" if images > 1 else "at least two images are needed"
    return InvalidSpec(
        f"{which} is one image of {size[1]}x{size[0]}, on which {experiment.model.kind} cannot be trained: BatchNorm"
        f" would see a single value ({images} images, batches of {batch}); {remedy}."
    )


def _next_size(images: int, batch: int) -> int:
    """The closest larger batch size that leaves no batch of one image."""
    return next(size for size in range(batch + 1, images + 2) if images % size != 1)


def _network_fails(experiment: Experiment, size: tuple[int, int, int], error: Exception) -> InvalidSpec:
    batch, height, width = size
    return InvalidSpec(
        f"the network {experiment.model.kind} fails on {batch} images of {width}x{height}: {located(error)}."
    )
