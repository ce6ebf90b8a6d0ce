"""Recipes on CamVid."""

from pixelwise.data import CamVid
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy, Dice, Focal
from pixelwise.losses.base import LossSpec
from pixelwise.losses.weights import Scheme
from pixelwise.models import EncoderUnet, Fcn, Segformer
from pixelwise.recipes.registry import recipe


@recipe("camvid/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on all of CamVid, at its own 360×480, from scratch.

    About 67 s an epoch on two quiet cores that compute in bf16; val mean IoU 0.538, test 0.442 (docs/results.md).
    """
    return Experiment(
        data=CamVid(),
        model=Fcn(),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("road", "building", "car", "pedestrian", "sign"),
    )


@recipe("camvid/scratch")
def scratch() -> Experiment:
    """As good as 90 minutes of two cores allow without published weights, on the training split alone.

    Test mean IoU 0.602; each ingredient was chosen on `val` and on a drive that was held out (docs/accuracy.md).
    """
    return Experiment(
        data=CamVid(),
        model=Segformer(weights=None, aux_loss_weight=0.4),
        loss=CrossEntropy(class_weights="root_inverse"),
        augment=Augment(rescale=(0.75, 1.5), crop=(288, 384), hflip=0.5, color_jitter=0.3),
        fit=Fit(
            minutes=90,
            val_every=20,
            batch_size=8,
            optimizer=Optimizer(kind="adamw", lr=2e-3, weight_decay=0.1),
            schedule=Schedule(kind="one_cycle"),
        ),
        watch=("road", "building", "car", "pedestrian", "sign"),
    )


@recipe("camvid/pretrained")
def pretrained() -> Experiment:
    """The same from MobileNetV2's ImageNet weights, in 40 minutes, with a way back up to half of the image's size.

    Test mean IoU 0.657 (docs/accuracy.md).
    """
    plain = scratch()
    widths = (128, 96, 64, 32, 16)
    return plain.replace(
        model=EncoderUnet(encoder="mobilenetv2_100", widths=widths, stride=2, aux_loss_weight=0.4),
        fit=plain.fit.replace(minutes=40, optimizer=plain.fit.optimizer.replace(lr=1e-3)),
    )


@recipe("camvid/ablation")
def ablation() -> Experiment:
    """A plain recipe to which one ingredient at a time is added, to see what it brings: twenty passes over two drives.

    The third is held out, as the validation split is seven seconds of a drive that is learned from. Eleven to twenty
    minutes on one core.
    """
    return Experiment(
        data=CamVid(held_out="0006R0"),
        model=Segformer(weights=None),
        augment=Augment(rescale=(0.5, 2.0), crop=(288, 384), hflip=0.5),
        fit=Fit(
            epochs=20,
            val_every=4,
            batch_size=8,
            optimizer=Optimizer(kind="adamw", lr=2e-3, weight_decay=0.01),
            schedule=Schedule(kind="one_cycle"),
        ),
    )


@recipe("camvid/loss-cross-entropy")
def loss_cross_entropy() -> Experiment:
    """The same network at half the size, 20 epochs: what the other `loss` recipes are compared with.

    Five to seven minutes on one or two cores. Not by the clock, as losses are compared that learned at different hours.
    """
    return _at_half_size(CrossEntropy())


@recipe("camvid/loss-inverse")
def loss_inverse() -> Experiment:
    """Classes weighted by one over their share, as in kerr-voc2007."""
    return _weighted("inverse")


@recipe("camvid/loss-complement")
def loss_complement() -> Experiment:
    """Classes weighted by 1 - share, as in ai-idd and isayama-voc2012."""
    return _weighted("complement")


@recipe("camvid/loss-two-minus-inverse")
def loss_two_minus_inverse() -> Experiment:
    """Classes weighted by 2 - 1/n, the commonest by 0.15, as in lian-voc2007."""
    return _weighted("two_minus_inverse")


@recipe("camvid/loss-background")
def loss_background() -> Experiment:
    """The commonest class weighted by 0.1, as in lian-voc2007."""
    return _weighted("background")


@recipe("camvid/loss-dice")
def loss_dice() -> Experiment:
    """Dice of all classes together."""
    return _at_half_size(Dice())


@recipe("camvid/loss-focal")
def loss_focal() -> Experiment:
    """Focal loss, γ = 2."""
    return _at_half_size(Focal())


def _weighted(scheme: Scheme) -> Experiment:
    return _at_half_size(CrossEntropy(class_weights=scheme))


def _at_half_size(loss: LossSpec) -> Experiment:
    plain = fcn()
    return plain.replace(loss=loss, image_size=(180, 240), fit=plain.fit.replace(epochs=20))
