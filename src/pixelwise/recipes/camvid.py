"""Recipes on CamVid."""

from pixelwise.data import CamVid
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.models import Fcn
from pixelwise.recipes.registry import recipe


@recipe("camvid/fcn")
def fcn() -> Experiment:
    """The reports' baseline network on all of CamVid, at its own 360×480, from scratch.

    About 67 s an epoch on two quiet cores that compute in bf16; val mean IoU 0.538, test 0.442 (docs/results.md).
    """
    return Experiment(
        name="camvid/fcn",
        data=CamVid(),
        model=Fcn(),
        augment=Augment(hflip=0.5),
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3), schedule=Schedule(kind="cosine")),
        watch=("road", "building", "car", "pedestrian", "sign"),
    )
