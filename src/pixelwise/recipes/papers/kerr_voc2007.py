"""Systems of report kerr-voc2007: FCN baseline, improved training, and three other networks.

Paper: report kerr-voc2007, PASCAL VOC 2007, mean IoU and pixel accuracy on test.

The report does not state the following. Our choices, for all systems: image size 224×224, rotations within ±10 degrees,
crops of 192×192, evaluation of the best epoch by the value that early stopping monitors. According to the report, the
class weights of the U-Net come from the test set; we compute all class weights on train.
"""

from pixelwise.data import Voc2007
from pixelwise.data.transforms import Augment
from pixelwise.experiment import EarlyStop, Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy, Dice, Focal
from pixelwise.models import Fcn, Fcn8Vgg, ResnetFcn, Unet
from pixelwise.recipes.registry import recipe

FLIPS = Augment(hflip=0.5, vflip=0.5, rotate=10)
CROPS = FLIPS.replace(crop=(192, 192))


@recipe("kerr-voc2007/baseline")
def baseline() -> Experiment:
    """FCN baseline with cross-entropy.

    Published: mean IoU 0.0365 and accuracy 0.7490 on test, which is that of predicting only background.
    """
    return Experiment(
        data=Voc2007(),
        model=Fcn(),
        image_size=(224, 224),
        fit=Fit(
            epochs=100, batch_size=16, optimizer=Optimizer(lr=5e-3, weight_decay=0.01),
            early_stop=EarlyStop(monitor="val_loss", patience=10), monitor="val_loss",
        ),
    )  # fmt: skip


@recipe("kerr-voc2007/improved-baseline")
def improved_baseline() -> Experiment:
    """Baseline with a cosine schedule, flips, rotations, crops, and class weights 1 / share."""
    plain = baseline()
    return plain.replace(
        loss=CrossEntropy(class_weights="inverse"),
        augment=CROPS,
        fit=plain.fit.replace(schedule=Schedule(kind="cosine")),
    )


@recipe("kerr-voc2007/dice")
def dice() -> Experiment:
    """Improved baseline with dice loss.

    The report mentions it in the text; its table does not contain it.
    """
    return improved_baseline().replace(loss=Dice())


@recipe("kerr-voc2007/weighted-dice")
def weighted_dice() -> Experiment:
    """Improved baseline with dice loss per class and class weights 1 / share.

    The report mentions it in the text; its table does not contain it.
    """
    return improved_baseline().replace(loss=Dice(per_class=True, class_weights="inverse"))


@recipe("kerr-voc2007/focal")
def focal() -> Experiment:
    """Improved baseline with focal loss.

    γ = 2 is our choice; the report does not state it. The report mentions the system in the text; its table does not
    contain it.
    """
    return improved_baseline().replace(loss=Focal())


@recipe("kerr-voc2007/weighted-focal")
def weighted_focal() -> Experiment:
    """Improved baseline with focal loss and class weights 1 / share.

    γ = 2 is our choice; the report does not state it. The report mentions the system in the text; its table does not
    contain it.
    """
    return improved_baseline().replace(loss=Focal(class_weights="inverse"))


@recipe("kerr-voc2007/custom-fcn8")
def custom_fcn8() -> Experiment:
    """The report's own network: an FCN-8 decoder on a VGG-like encoder.

    The patience of 10, as for the other systems, and the constant schedule are our choice; the report does not state
    them. On test, its text gives a mean IoU of 0.0256 and an accuracy of 10.85%, its table 0.0293 and 11.45%.
    """
    improved = improved_baseline()
    fit = improved.fit.replace(
        optimizer=Optimizer(lr=5e-3, weight_decay=1e-4), schedule=Schedule(),
        early_stop=EarlyStop(monitor="val_mean_iou", patience=10), monitor="val_mean_iou",
    )  # fmt: skip
    return improved.replace(model=Fcn8Vgg(), fit=fit)


@recipe("kerr-voc2007/resnet34")
def resnet34() -> Experiment:
    """Frozen ResNet-34 encoder with ImageNet weights and the decoder of the FCN; the report's best system.

    No weight decay and the early stopping of the baseline are our choice; the report does not state them.
    """
    improved = improved_baseline()
    fit = improved.fit.replace(optimizer=Optimizer(lr=5e-3))
    return improved.replace(model=ResnetFcn(encoder="resnet34", frozen=True), augment=FLIPS, fit=fit)


@recipe("kerr-voc2007/resnet18")
def resnet18() -> Experiment:
    """Frozen ResNet-18 encoder with ImageNet weights and the decoder of the FCN.

    The report mentions it in the text; its table does not contain it.
    """
    return resnet34().replace(model=ResnetFcn(encoder="resnet18", frozen=True))


@recipe("kerr-voc2007/unet")
def unet() -> Experiment:
    """U-Net with padding and without normalization layers.

    No weight decay and the early stopping of the baseline are our choice; the report does not state them.
    """
    improved = improved_baseline()
    return improved.replace(model=Unet(norm="none"), fit=improved.fit.replace(optimizer=Optimizer(lr=1e-4)))
