"""Recipes on the Indian Driving Dataset."""

from pixelwise.data import Idd, IddLite
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, Segformer
from pixelwise.recipes.registry import recipe


@recipe("idd/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on the 26 level-3 classes of IDD at 512×1024, from scratch. Not measured."""
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
    """The reports' baseline network on IDD-Lite at its own 227×320, from scratch. Not measured."""
    return fcn().replace(
        data=IddLite(), image_size=None, fit=fcn().fit.replace(batch_size=16), watch=("drivable", "vehicles", "sky")
    )


@recipe("idd_lite/scratch")
def scratch_lite() -> Experiment:
    """As good as 30 minutes of two cores allow without published weights; val mean IoU 0.636 (docs/results.md)."""
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
    """The same from MobileNetV2's ImageNet weights; val mean IoU 0.683 (docs/results.md)."""
    plain = scratch_lite()
    return plain.replace(
        model=Segformer(encoder="mobilenetv2_100", aux_loss_weight=0.4),
        fit=plain.fit.replace(optimizer=plain.fit.optimizer.replace(lr=1e-3)),
    )
