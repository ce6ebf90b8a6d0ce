"""Recipes on shapes, the data set that needs no download."""

from pixelwise.data import Shapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import EncoderUnet, Fcn
from pixelwise.recipes.registry import recipe


@recipe("shapes/fcn")
def fcn() -> Experiment:
    """FCN baseline of the five reports on shapes, in six epochs.

    The settings were selected on the validation split of `data.seed` 0; these images are others.
    """
    return Experiment(
        data=Shapes(size=(96, 128), seed=2),
        model=Fcn(),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=6, batch_size=8, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
    )


@recipe("shapes/scratch")
def scratch() -> Experiment:
    """U-Net decoder on MobileNetV3-small, trained from random weights on shapes for 36 seconds.

    The settings were selected on the validation split of `data.seed` 0; these images are others. The learning rate is
    high because the training is short: with 3e-3 and 300 steps the network does not find people yet.
    """
    return Experiment(
        data=Shapes(size=(96, 128), seed=2),
        model=EncoderUnet(encoder="mobilenetv3_small_050", weights=None, widths=(64, 48, 32, 16, 16)),
        loss=CrossEntropy(class_weights="root_inverse"),
        augment=Augment(hflip=0.5),
        fit=Fit(
            minutes=0.6,
            val_every=6,
            batch_size=16,
            optimizer=Optimizer(kind="adamw", lr=1.2e-2, weight_decay=0.05),
            schedule=Schedule(kind="one_cycle"),
        ),
    )
