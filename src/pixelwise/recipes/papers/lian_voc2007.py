"""Systems of report lian-voc2007: FCN baseline, schedule, class weights, flips, and three other networks.

Paper: report lian-voc2007, PASCAL VOC 2007 at 224×224; best mean IoU and accuracy on val, and both on test. The weights
with the best mean IoU on val are kept.

The docstrings of the systems name our choices for the few settings that the report does not state.
"""

from pixelwise.data import Voc2007
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import DilatedTanhFcn, Fcn, ResnetFcn, ValidUnet
from pixelwise.recipes.registry import recipe


@recipe("lian-voc2007/baseline")
def baseline() -> Experiment:
    """FCN baseline with cross-entropy."""
    return Experiment(
        data=Voc2007(),
        model=Fcn(),
        image_size=(224, 224),
        fit=Fit(epochs=20, batch_size=16, optimizer=Optimizer(lr=1e-3)),
    )


@recipe("lian-voc2007/4a-cosine")
def cosine() -> Experiment:
    """Baseline with a cosine schedule from 5e-4 to 1e-4."""
    plain = baseline()
    fit = plain.fit.replace(epochs=30, optimizer=Optimizer(lr=5e-4), schedule=Schedule(kind="cosine", min_lr=1e-4))
    return plain.replace(fit=fit)


@recipe("lian-voc2007/4b-weighted")
def weighted() -> Experiment:
    """Baseline with class weights 2 - 1 / pixels, 0.15 for background."""
    plain = baseline()
    fit = plain.fit.replace(epochs=50, optimizer=Optimizer(lr=5e-4))
    return plain.replace(loss=CrossEntropy(class_weights="two_minus_inverse"), fit=fit)


@recipe("lian-voc2007/4c-hflip")
def hflip() -> Experiment:
    """Class weights and horizontal flips: every training image is flipped."""
    return weighted().replace(augment=Augment(hflip=1))


@recipe("lian-voc2007/5a-dilated-tanh")
def dilated_tanh() -> Experiment:
    """The report's own network with dilated convolutions and tanh.

    The learning rate 5e-4 (the report: lower than that of the baseline) and the batch size 16 are our choice; the
    report does not state them.
    """
    return weighted().replace(model=DilatedTanhFcn(), loss=CrossEntropy(class_weights="background"))


@recipe("lian-voc2007/5b-resnet34")
def resnet34() -> Experiment:
    """ResNet-34 encoder with ImageNet weights, a BatchNorm layer, and the decoder of the FCN.

    The batch size 16 and the training of the encoder (not frozen) are our choice; the report does not state them.
    """
    return dilated_tanh().replace(model=ResnetFcn(encoder="resnet34", encoder_norm=True))


@recipe("lian-voc2007/5c-unet")
def unet() -> Experiment:
    """The report's U-Net, whose encoder has no padding.

    The batch size 16 is our choice; the report does not state it.
    """
    deep = dilated_tanh()
    return deep.replace(model=ValidUnet(), fit=deep.fit.replace(optimizer=Optimizer(lr=1e-4)))
