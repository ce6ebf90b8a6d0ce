"""Recipes for Cityscapes."""

from pixelwise.data import Cityscapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("cityscapes/fcn")
def fcn() -> Experiment:
    """FCN baseline of the reports on the 19 classes of Cityscapes at 512×1024, trained from scratch. Not measured."""
    return Experiment(
        data=Cityscapes(),
        model=Fcn(),
        image_size=(512, 1024),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("road", "building", "traffic sign", "person", "car"),
    )
