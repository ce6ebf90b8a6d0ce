"""Recipes for a folder of the user's own images and labels."""

from pixelwise.data import Folder
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("folder/fcn")
def fcn() -> Experiment:
    """FCN baseline for your own images and labels, resized to 256×256; `--data-root` is their folder.

    A starting point. Not measured: duration and accuracy depend on the images.
    """
    return Experiment(
        data=Folder(),
        model=Fcn(),
        image_size=(256, 256),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=8, optimizer=Optimizer(kind="adam", lr=1e-3)),
    )
