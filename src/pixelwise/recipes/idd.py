"""Recipes for the Indian Driving Dataset."""

from pixelwise.data import Idd, IddLite
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, Segformer
from pixelwise.recipes.registry import recipe


@recipe("idd/fcn")
def fcn() -> Experiment:
    """FCN baseline of the reports on the 26 level-3 classes of IDD at 512×1024, trained from scratch. Not measured."""
    return Experiment(
        data=Idd(),
        model=Fcn(),
        image_size=(512, 1024),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("road", "sidewalk", "car", "billboard", "sky"),
    )


@recipe("idd_lite/fcn")
def fcn_lite() -> Experiment:
    """FCN baseline of the reports on IDD-Lite at 227×320, trained from scratch. Not measured."""
    return fcn().replace(
        data=IddLite(), image_size=None, fit=fcn().fit.replace(batch_size=16), watch=("drivable", "vehicles", "sky")
    )


@recipe("idd_lite/scratch")
def scratch_lite() -> Experiment:
    """SegFormer decoder trained from scratch on IDD-Lite in 30 minutes on two cores.

    Mean IoU 0.636 on val (docs/results.md).
    """
    return Experiment(
        data=IddLite(),
        model=Segformer(weights=None, aux_loss_weight=0.4),
        loss=CrossEntropy(class_weights="root_inverse"),
        augment=Augment(rescale=(0.75, 1.5), crop=(192, 256), hflip=0.5, color_jitter=0.3),
        fit=Fit(
            minutes=30,
            val_every=4,
            batch_size=8,
            optimizer=Optimizer(kind="adamw", lr=2e-3, weight_decay=0.1),
            schedule=Schedule(kind="one_cycle"),
        ),
        watch=("drivable", "vehicles", "sky"),
    )


@recipe("idd_lite/pretrained")
def pretrained_lite() -> Experiment:
    """SegFormer decoder on a MobileNetV2 encoder with ImageNet weights, trained on IDD-Lite in 30 minutes on two cores.

    Mean IoU 0.683 on val (docs/results.md).
    """
    plain = scratch_lite()
    return plain.replace(
        model=Segformer(encoder="mobilenetv2_100", aux_loss_weight=0.4),
        fit=plain.fit.replace(optimizer=plain.fit.optimizer.replace(lr=1e-3)),
    )
