"""Systems of report xiang-cityscapes: FCN baseline, augmentation, losses, and four other networks.

Paper: report xiang-cityscapes, Cityscapes with all 34 raw ids as classes; pixel accuracy, mean IoU and the IoU of five
classes on a split that the report does not name. The rows of the weighted and the augmented system print the same five
IoUs, very likely a copying error. In all networks BatchNorm precedes ReLU.

The report does not state the following. Our choices, for all systems: Adam with a learning rate of 1e-3, 30 epochs,
batch size 4, random crops of 800×800 (the crop size that it states for its augmentation), evaluation on val.
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
    """FCN baseline with cross-entropy."""
    return Experiment(
        data=Cityscapes(classes="all"),
        model=Fcn(norm_first=True),
        augment=CROP,
        fit=Fit(epochs=30, batch_size=4, optimizer=Optimizer(lr=1e-3)),
        watch=("building", "traffic sign", "person", "car", "bicycle"),
    )


@recipe("xiang-cityscapes/augmented")
def augmented() -> Experiment:
    """Baseline with flips, rotations within ±3 degrees and rescaling by 0.8 to 1.2."""
    return baseline().replace(augment=CROP.replace(hflip=0.5, rotate=3, rescale=(0.8, 1.2)))


@recipe("xiang-cityscapes/weighted-loss")
def weighted_loss() -> Experiment:
    """Baseline with class weights.

    The weights 1 - share are our choice; the report does not state them.
    """
    return baseline().replace(loss=CrossEntropy(class_weights="complement"))


@recipe("xiang-cityscapes/dice-loss")
def dice_loss() -> Experiment:
    """Baseline with dice loss.

    The standard form of the loss is our choice; the form that the report prints approaches 0.5.
    """
    return baseline().replace(loss=Dice())


@recipe("xiang-cityscapes/resnet50")
def resnet50() -> Experiment:
    """ResNet-50 encoder with ImageNet weights and the decoder of the FCN."""
    return baseline().replace(model=ResnetFcn(encoder="resnet50", norm_first=True))


@recipe("xiang-cityscapes/unet")
def unet() -> Experiment:
    """U-Net with bilinear upsampling."""
    return baseline().replace(model=Unet(up="bilinear"))


@recipe("xiang-cityscapes/unet-aspp")
def unet_aspp() -> Experiment:
    """U-Net with bilinear upsampling whose last up-stage and classifier are ASPP modules.

    Training needs about 10 GiB per image of 800×800.
    """
    return baseline().replace(model=UnetAspp())


@recipe("xiang-cityscapes/resnet50-aspp")
def resnet50_aspp() -> Experiment:
    """ResNet-50 encoder with ImageNet weights and an ASPP classifier; the report's best system."""
    return baseline().replace(model=ResnetAspp(encoder="resnet50"))


@recipe("xiang-cityscapes/resnet101-aspp")
def resnet101_aspp() -> Experiment:
    """ResNet-101 encoder with ImageNet weights and an ASPP classifier.

    The report mentions it in the text; its table does not contain it.
    """
    return baseline().replace(model=ResnetAspp(encoder="resnet101"))


@recipe("xiang-cityscapes/vgg16-aspp")
def vgg16_aspp() -> Experiment:
    """VGG-16 encoder with ImageNet weights and an ASPP classifier.

    The report mentions it in the text; its table does not contain it.
    """
    return baseline().replace(model=ResnetAspp(encoder="vgg16"))
