"""Recipes on a folder of the user's own."""

from pixelwise.data import Folder
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("folder/fcn")
def fcn() -> Experiment:
    """A starting point for images and labels of your own, brought to 256×256; `--data-root` is their folder.

    Not measured: how long it takes and how good it gets is up to the images.
    """
    return Experiment(
        data=Folder(),
        model=Fcn(),
        image_size=(256, 256),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=8, optimizer=Optimizer(kind="adam", lr=1e-3)),
    )
