"""Recipes on shapes, the data set that needs no download."""

from pixelwise.data import Shapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import EncoderUnet, Fcn
from pixelwise.recipes.registry import recipe


@recipe("shapes/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on shapes, in six epochs.

    Its settings were found on the pictures of `data.seed` 0; these are others.
    """
    return Experiment(
        name="shapes/fcn",
        data=Shapes(size=(96, 128), seed=2),
        model=Fcn(),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=6, batch_size=8, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
    )


@recipe("shapes/scratch")
def scratch() -> Experiment:
    """A small U-Net with random weights on shapes, trained for 48 seconds.

    Its settings were found on the pictures of `data.seed` 0; these are others. The learning rate is high because the
    training is short: with 3e-3 and 300 steps the network does not find people yet.
    """
    return Experiment(
        name="shapes/scratch",
        data=Shapes(size=(96, 128), seed=2),
        model=EncoderUnet(encoder="mobilenetv3_small_050", weights=None, widths=(64, 48, 32, 16, 16)),
        loss=CrossEntropy(weights="root_inverse"),
        augment=Augment(hflip=0.5),
        fit=Fit(
            minutes=0.8,
            passes=6,
            batch_size=16,
            optimizer=Optimizer(kind="adamw", lr=1.2e-2, weight_decay=0.05),
            schedule=Schedule(kind="one_cycle"),
        ),
    )
