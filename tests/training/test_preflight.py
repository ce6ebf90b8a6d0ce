"""A batch of one image that a network cannot learn from is refused before an image is read."""

from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from pixelwise.models import Fcn, ResnetAspp, Unet
from pixelwise.training.preflight import check_batches
from tests.networks import Small

POOLED = ResnetAspp(encoder="resnet18", weights=None)


def check(experiment: Experiment, images: int, batch: int) -> None:
    data = Shapes(size=(64, 64), images=images)
    experiment = experiment.replace(data=data, size=(64, 64), fit=experiment.fit.replace(batch_size=batch))
    check_batches(experiment, data.build("train", Path()))


@pytest.mark.parametrize(("images", "batch", "advice"), [(9, 4, 5), (9, 1, 3), (9, 8, 9), (13, 2, 5), (13, 3, 5)])
def test_the_remedy_is_a_batch_size_that_leaves_no_single_image(
    tiny: Experiment, images: int, batch: int, advice: int
) -> None:
    asking = tiny.replace(model=POOLED)
    with pytest.raises(InvalidSpec, match=f"resnet_aspp cannot learn.*set fit.batch_size={advice}\\.$"):
        check(asking, images, batch)
    check(asking, images, advice)


def test_one_training_image_cannot_be_helped_by_a_batch_size(tiny: Experiment) -> None:
    with pytest.raises(InvalidSpec, match="it takes two images at least"):
        check(tiny.replace(model=POOLED), 1, 4)


@pytest.mark.parametrize("model", [Small(), Unet(), Fcn()], ids=lambda m: m.kind.rpartition(":")[2])
def test_a_network_that_pools_no_whole_image_may_learn_from_one(tiny: Experiment, model) -> None:
    """At 64×64 even the FCN has four values at its bottom."""
    check(tiny.replace(model=model), 9, 4)


def test_an_image_that_shrinks_to_one_pixel_is_refused_by_its_size_alone(tiny: Experiment) -> None:
    small = tiny.replace(model=Fcn(), augment=tiny.augment.replace(crop=(32, 32)))
    with pytest.raises(InvalidSpec, match="one image of 32x32, from which fcn cannot learn"):
        check(small, 9, 4)
    check(small, 8, 4)


def test_plain_copies_count(tiny: Experiment) -> None:
    twice = tiny.replace(model=POOLED, augment=tiny.augment.replace(keep_plain=True))
    check(twice, 5, 2)
    with pytest.raises(InvalidSpec, match="10 images, batches of 3"):
        check(twice, 5, 3)
