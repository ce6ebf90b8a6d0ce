"""The systems of report lian-voc2007: an FCN baseline, a schedule, class weights, flips, and three other networks.

Paper: report lian-voc2007, PASCAL VOC 2007 at 224×224; best mean IoU and accuracy on val, and both on test.

What it leaves open: little, which its systems say. It keeps the weights of the best val mean IoU.
"""

from pixelwise.data import Voc2007
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import DilatedTanhFcn, Fcn, ResnetFcn, ValidUnet
from pixelwise.recipes.registry import recipe


@recipe("lian-voc2007/baseline")
def baseline() -> Experiment:
    """The FCN with cross-entropy."""
    return Experiment(
        data=Voc2007(),
        model=Fcn(),
        image_size=(224, 224),
        fit=Fit(epochs=20, batch_size=16, optimizer=Optimizer(lr=1e-3)),
    )


@recipe("lian-voc2007/4a-cosine")
def cosine() -> Experiment:
    """The baseline with a rate that falls from 5e-4 to 1e-4."""
    plain = baseline()
    fit = plain.fit.replace(epochs=30, optimizer=Optimizer(lr=5e-4), schedule=Schedule(kind="cosine", min_lr=1e-4))
    return plain.replace(fit=fit)


@recipe("lian-voc2007/4b-weighted")
def weighted() -> Experiment:
    """The baseline with classes weighted by 2 - 1 / pixels, background by 0.15."""
    plain = baseline()
    fit = plain.fit.replace(epochs=50, optimizer=Optimizer(lr=5e-4))
    return plain.replace(loss=CrossEntropy(class_weights="two_minus_inverse"), fit=fit)


@recipe("lian-voc2007/4c-hflip")
def hflip() -> Experiment:
    """The weighted system on mirror images: every image is flipped, none is left as it was."""
    return weighted().replace(augment=Augment(hflip=1))


@recipe("lian-voc2007/5a-dilated-tanh")
def dilated_tanh() -> Experiment:
    """Its own network. Left open: the rate (5e-4; the report: below the baseline's) and the batch (16)."""
    return weighted().replace(model=DilatedTanhFcn(), loss=CrossEntropy(class_weights="background"))


@recipe("lian-voc2007/5b-resnet34")
def resnet34() -> Experiment:
    """An ImageNet ResNet-34, a BatchNorm, and the FCN's decoder. Left open: batch (16), frozen or not (not)."""
    return dilated_tanh().replace(model=ResnetFcn(encoder="resnet34", encoder_norm=True))


@recipe("lian-voc2007/5c-unet")
def unet() -> Experiment:
    """Its U-Net, without padding on the way down. Left open: the batch (16)."""
    deep = dilated_tanh()
    return deep.replace(model=ValidUnet(), fit=deep.fit.replace(optimizer=Optimizer(lr=1e-4)))
