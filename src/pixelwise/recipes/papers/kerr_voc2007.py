"""The systems of report kerr-voc2007: an FCN baseline, a better way to train it, and three other networks.

Paper: report kerr-voc2007, PASCAL VOC 2007, mean IoU and pixel accuracy on test.

What it leaves open, for all systems: the images' size (224×224 here), the range of its rotations (±10 degrees) and the
size of its crops (192×192). Its U-Net's class weights come, in its words, from the test set; here all weights are
measured on train. Which epoch's weights are evaluated is not said: the best by what the early stop looks at.
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
    """The FCN with cross-entropy. Published: test mean IoU 0.0365, accuracy 0.7490, which is all background."""
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
    """The baseline with a cosine schedule, flips, rotations and crops, and classes weighted by 1 / share."""
    plain = baseline()
    return plain.replace(
        loss=CrossEntropy(class_weights="inverse"),
        augment=CROPS,
        fit=plain.fit.replace(schedule=Schedule(kind="cosine")),
    )


@recipe("kerr-voc2007/dice")
def dice() -> Experiment:
    """The improved baseline with dice loss. Told in the text; no row in its table."""
    return improved_baseline().replace(loss=Dice())


@recipe("kerr-voc2007/weighted-dice")
def weighted_dice() -> Experiment:
    """The improved baseline with dice loss class by class, weighted. Told in the text; no row in its table."""
    return improved_baseline().replace(loss=Dice(per_class=True, class_weights="inverse"))


@recipe("kerr-voc2007/focal")
def focal() -> Experiment:
    """The improved baseline with focal loss, γ = 2 (not stated). Told in the text; no row in its table."""
    return improved_baseline().replace(loss=Focal())


@recipe("kerr-voc2007/weighted-focal")
def weighted_focal() -> Experiment:
    """The improved baseline with weighted focal loss, γ = 2 (not stated). Told in the text; no row in its table."""
    return improved_baseline().replace(loss=Focal(class_weights="inverse"))


@recipe("kerr-voc2007/custom-fcn8")
def custom_fcn8() -> Experiment:
    """Its own network. Its text gives 0.0256 and 10.85% on test, its table 0.0293 and 11.45%: the table is published.

    Left open: patience (10, as elsewhere) and schedule (constant).
    """
    improved = improved_baseline()
    fit = improved.fit.replace(
        optimizer=Optimizer(lr=5e-3, weight_decay=1e-4), schedule=Schedule(),
        early_stop=EarlyStop(monitor="val_mean_iou", patience=10), monitor="val_mean_iou",
    )  # fmt: skip
    return improved.replace(model=Fcn8Vgg(), fit=fit)


@recipe("kerr-voc2007/resnet34")
def resnet34() -> Experiment:
    """A frozen ImageNet ResNet-34 under the FCN's decoder; its best system.

    Left open: weight decay (none) and the early stop (as the baseline).
    """
    improved = improved_baseline()
    fit = improved.fit.replace(optimizer=Optimizer(lr=5e-3))
    return improved.replace(model=ResnetFcn(encoder="resnet34", frozen=True), augment=FLIPS, fit=fit)


@recipe("kerr-voc2007/resnet18")
def resnet18() -> Experiment:
    """The same on ResNet-18. Told in the text; no row in its table."""
    return resnet34().replace(model=ResnetFcn(encoder="resnet18", frozen=True))


@recipe("kerr-voc2007/unet")
def unet() -> Experiment:
    """The U-Net with padding and without normalization.

    Left open: weight decay (none) and the early stop (as the baseline).
    """
    improved = improved_baseline()
    return improved.replace(model=Unet(norm="none"), fit=improved.fit.replace(optimizer=Optimizer(lr=1e-4)))
