"""The systems of report ai-idd: an FCN baseline, augmentation, class weights, and three other networks on IDD.

Paper: report ai-idd, Indian Driving Dataset, 27 level-3 ids of which none is ignored (unlabeled is a class); pixel
accuracy, mean IoU and the IoU of five classes on a split that it does not name.

What it leaves open, for all systems unless they say otherwise: the images' size (720×1280 here, as for its U-Net), the
optimizer (Adam, 1e-3), epochs (20) and batch (4). Which split was evaluated is not said: val here.
"""

from pixelwise.data import Idd
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.losses import CrossEntropy
from pixelwise.models import DeeplabV3, Fcn, R2Fcn, Unet
from pixelwise.recipes.registry import recipe


@recipe("ai-idd/baseline")
def baseline() -> Experiment:
    """The FCN with cross-entropy."""
    return Experiment(
        data=Idd(classes="all"),
        model=Fcn(),
        image_size=(720, 1280),
        fit=Fit(epochs=20, batch_size=4, optimizer=Optimizer(lr=1e-3)),
        watch=("road", "sidewalk", "car", "billboard", "sky"),
    )


@recipe("ai-idd/mirror-flip")
def mirror_flip() -> Experiment:
    """The baseline on every image and its mirror image."""
    return baseline().replace(augment=Augment(hflip=1, keep_plain=True))


@recipe("ai-idd/rotation")
def rotation() -> Experiment:
    """The baseline on every image and a copy turned by up to 1 degree either way (the report: "by 1 degree")."""
    return baseline().replace(augment=Augment(rotate=1, keep_plain=True))


@recipe("ai-idd/weighted-loss")
def weighted_loss() -> Experiment:
    """The baseline with classes weighted by 1 - share."""
    return baseline().replace(loss=CrossEntropy(class_weights="complement"))


@recipe("ai-idd/custom-rrcnn")
def custom_rrcnn() -> Experiment:
    """Its own network of recurrent residual blocks, on crops of 256×256, one at a time: its memory held no more."""
    plain = baseline()
    return plain.replace(
        model=R2Fcn(), image_size=None, augment=Augment(crop=(256, 256)), fit=plain.fit.replace(batch_size=1)
    )


@recipe("ai-idd/transfer-deeplabv3")
def transfer_deeplabv3() -> Experiment:
    """Torchvision's DeepLabV3, trained on COCO and frozen, with a head that learns; its best system."""
    plain = baseline()
    return plain.replace(model=DeeplabV3(frozen=True), fit=plain.fit.replace(epochs=7))


@recipe("ai-idd/unet")
def unet() -> Experiment:
    """The U-Net with BatchNorm, by SGD, one image at a time. Left open: rate and momentum (0.01, 0.9)."""
    fit = Fit(epochs=20, batch_size=1, optimizer=Optimizer(kind="sgd", lr=0.01, momentum=0.9))
    return baseline().replace(model=Unet(), fit=fit)
