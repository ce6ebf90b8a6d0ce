"""Recipes on shapes, the data set that needs no download."""

from pixelwise.data import Shapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("shapes/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on shapes; what `pixelwise demo` trains.

    About 80 s on two cores. Its settings were found on the pictures of `data.seed` 0; these are others.
    """
    return Experiment(
        data=Shapes(size=(96, 96), seed=1),
        model=Fcn(),
        augment=Augment(hflip=0.5, vflip=0.5),
        fit=Fit(epochs=12, batch_size=8, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine", min_lr=3e-4)),
    )
