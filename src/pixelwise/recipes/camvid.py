"""Recipes for CamVid."""

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
    """FCN baseline of the reports on CamVid at 360×480, trained from scratch.

    About 67 s per epoch on two idle cores with bf16. Mean IoU 0.538 on val, 0.442 on test (docs/results.md).
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
    """SegFormer decoder trained from scratch on CamVid in 90 minutes on two cores.

    Mean IoU 0.602 on test. Its settings were selected on `val` and on a held-out drive; only the training split is
    used for training (docs/accuracy.md).
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
    """U-Net decoder on a MobileNetV2 encoder with ImageNet weights, trained on CamVid in 40 minutes on two cores.

    The decoder goes up to half the image size; all other settings are those of `camvid/scratch`. Mean IoU 0.657 on test
    (docs/accuracy.md).
    """
    plain = scratch()
    widths = (128, 96, 64, 32, 16)
    return plain.replace(
        model=EncoderUnet(encoder="mobilenetv2_100", widths=widths, stride=2, aux_loss_weight=0.4),
        fit=plain.fit.replace(minutes=40, optimizer=plain.fit.optimizer.replace(lr=1e-3)),
    )


@recipe("camvid/ablation")
def ablation() -> Experiment:
    """Plain recipe for ablations on CamVid: 20 epochs on two drives, validated on the third one.

    Each ablation changes one setting. A whole drive is held out because the validation split of CamVid is seven seconds
    of a drive that is also used for training. 11 to 20 minutes on one core.
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
    """FCN on CamVid at half the size with cross-entropy, 20 epochs: reference of the `camvid/loss-*` recipes.

    5 to 7 minutes on one or two cores. The number of epochs is fixed instead of the time, so that the load of the
    machine does not affect the comparison of losses.
    """
    return _at_half_size(CrossEntropy())


@recipe("camvid/loss-inverse")
def loss_inverse() -> Experiment:
    """Cross-entropy with class weights 1 / share, as in kerr-voc2007."""
    return _weighted("inverse")


@recipe("camvid/loss-complement")
def loss_complement() -> Experiment:
    """Cross-entropy with class weights 1 - share, as in ai-idd and isayama-voc2012."""
    return _weighted("complement")


@recipe("camvid/loss-two-minus-inverse")
def loss_two_minus_inverse() -> Experiment:
    """Cross-entropy with class weights 2 - 1 / pixels, 0.15 for the most frequent class, as in lian-voc2007."""
    return _weighted("two_minus_inverse")


@recipe("camvid/loss-background")
def loss_background() -> Experiment:
    """Cross-entropy with weight 0.1 for the most frequent class, as in lian-voc2007."""
    return _weighted("background")


@recipe("camvid/loss-dice")
def loss_dice() -> Experiment:
    """Dice loss over all classes."""
    return _at_half_size(Dice())


@recipe("camvid/loss-focal")
def loss_focal() -> Experiment:
    """Focal loss with γ = 2."""
    return _at_half_size(Focal())


def _weighted(scheme: Scheme) -> Experiment:
    return _at_half_size(CrossEntropy(class_weights=scheme))


def _at_half_size(loss: LossSpec) -> Experiment:
    plain = fcn()
    return plain.replace(loss=loss, image_size=(180, 240), fit=plain.fit.replace(epochs=20))
