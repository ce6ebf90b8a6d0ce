"""Recipes for PASCAL VOC."""

from pixelwise.data import Voc2007, Voc2012
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, Segformer
from pixelwise.recipes.registry import recipe


@recipe("voc2012/fcn")
def fcn_2012() -> Experiment:
    """FCN baseline of the reports on PASCAL VOC 2012 at 224×224 with flips, trained from scratch."""
    return Experiment(
        data=Voc2012(),
        model=Fcn(),
        image_size=(224, 224),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=20, batch_size=16, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("background", "person", "cat", "dog", "bird"),
    )


@recipe("voc2007/fcn")
def fcn_2007() -> Experiment:
    """FCN baseline of the reports on PASCAL VOC 2007 at 224×224 with flips, trained from scratch."""
    return fcn_2012().replace(data=Voc2007())


@recipe("voc2012/pretrained")
def pretrained_2012() -> Experiment:
    """SegFormer decoder on a MobileNetV2 encoder with ImageNet weights, trained on PASCAL VOC 2012 in 30 minutes.

    Images are resized to 288×288. The encoder has a low learning rate because there are few training images. Mean IoU
    0.317 on val, trained on a subset of 463 images (docs/results.md).
    """
    return Experiment(
        data=Voc2012(),
        model=Segformer(encoder="mobilenetv2_100"),
        loss=CrossEntropy(class_weights="root_inverse"),
        image_size=(288, 288),
        augment=Augment(rescale=(0.5, 2.0), crop=(256, 256), hflip=0.5, color_jitter=0.3),
        fit=Fit(
            minutes=30,
            val_every=12,
            batch_size=8,
            optimizer=Optimizer(kind="adamw", lr=1e-3, encoder_lr=3e-5, weight_decay=0.1),
            schedule=Schedule(kind="one_cycle"),
        ),
        watch=("background", "person", "cat", "dog", "bird"),
    )
