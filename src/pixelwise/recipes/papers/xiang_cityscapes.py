"""The systems of report xiang-cityscapes: an FCN baseline, augmentation, losses, and four other networks.

Paper: report xiang-cityscapes, Cityscapes with all 34 raw ids as classes; pixel accuracy, mean IoU and the IoU of five
classes on a split that it does not name. Its weighted and augmented rows print the same five IoUs, very likely a
copying error.

What it leaves open, for all systems: the rate (Adam, 1e-3), epochs (30), batch (4), which images went in (random crops
of 800×800 here, which is the crop it states for its augmentation), and the split that was evaluated (val here). In all its
networks BatchNorm comes before ReLU.
"""

from pixelwise.data import Cityscapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.losses import CrossEntropy, Dice
from pixelwise.models import Fcn, ResnetAspp, ResnetFcn, Unet, UnetAspp
from pixelwise.recipes.registry import recipe

CROP = Augment(crop=(800, 800))


@recipe("xiang-cityscapes/baseline")
def baseline() -> Experiment:
    """The FCN with cross-entropy."""
    return Experiment(
        data=Cityscapes(classes="all"),
        model=Fcn(norm_first=True),
        augment=CROP,
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3)),
        watch=("building", "traffic sign", "person", "car", "bicycle"),
    )


@recipe("xiang-cityscapes/augmented")
def augmented() -> Experiment:
    """The baseline with flips, rotations within 3 degrees and rescaling by 0.8 to 1.2."""
    return baseline().replace(augment=CROP.replace(hflip=0.5, rotate=3, rescale=(0.8, 1.2)))


@recipe("xiang-cityscapes/weighted-loss")
def weighted_loss() -> Experiment:
    """The baseline with weighted classes. Left open: how they are weighted (by 1 - share here)."""
    return baseline().replace(loss=CrossEntropy(class_weights="complement"))


@recipe("xiang-cityscapes/dice-loss")
def dice_loss() -> Experiment:
    """The baseline with dice loss, in its standard form: as the report prints it, it ends near a half."""
    return baseline().replace(loss=Dice())


@recipe("xiang-cityscapes/resnet50")
def resnet50() -> Experiment:
    """An ImageNet ResNet-50 under the FCN's decoder."""
    return baseline().replace(model=ResnetFcn(encoder="resnet50", norm_first=True))


@recipe("xiang-cityscapes/unet")
def unet() -> Experiment:
    """The U-Net with bilinear up-stages."""
    return baseline().replace(model=Unet(up="bilinear"))


@recipe("xiang-cityscapes/unet-aspp")
def unet_aspp() -> Experiment:
    """The bilinear U-Net whose last up-stage and classifier are ASPPs; about 10 GiB for each 800×800 image."""
    return baseline().replace(model=UnetAspp())


@recipe("xiang-cityscapes/resnet50-aspp")
def resnet50_aspp() -> Experiment:
    """An ImageNet ResNet-50 under an ASPP that classifies; its best system."""
    return baseline().replace(model=ResnetAspp(encoder="resnet50"))


@recipe("xiang-cityscapes/resnet101-aspp")
def resnet101_aspp() -> Experiment:
    """The same on ResNet-101. Told in the text; no row in its table."""
    return baseline().replace(model=ResnetAspp(encoder="resnet101"))


@recipe("xiang-cityscapes/vgg16-aspp")
def vgg16_aspp() -> Experiment:
    """The same on VGG-16. Told in the text; no row in its table."""
    return baseline().replace(model=ResnetAspp(encoder="vgg16"))
