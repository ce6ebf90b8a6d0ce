"""Recipes on the Indian Driving Dataset."""

from pixelwise.data import Idd, IddLite
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("idd/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on the 26 level-3 classes of IDD at 512×1024, from scratch. Not measured."""
    return Experiment(
        name="idd/fcn",
        data=Idd(),
        model=Fcn(),
        size=(512, 1024),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("road", "sidewalk", "car", "billboard", "sky"),
    )


@recipe("idd_lite/fcn")
def fcn_lite() -> Experiment:
    """The reports' baseline network on IDD-Lite at its own 227×320, from scratch. Not measured."""
    return fcn().replace(
        data=IddLite(), size=None, fit=fcn().fit.replace(batch_size=16), watch=("drivable", "vehicles", "sky")
    )
