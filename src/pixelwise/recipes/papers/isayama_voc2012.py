"""Systems of report isayama-voc2012: FCN baseline, schedule, flips, class weights, and three other networks.

Paper: report isayama-voc2012, PASCAL VOC 2012; loss, mean IoU and pixel accuracy on val. The abstract gives a mean IoU
of 0.1055, the tables 0.1051 and 0.1147. Images are normalized by the mean and standard deviation of the data set.

The report does not state the following. Our choices, for all systems: image size 224×224, batch size 16, Adam (not
AdamW), early stopping on the validation loss. The results section mentions rotation, scaling and elastic deformation,
the methods section only flips; we follow the methods section.
"""

from pixelwise.data import Voc2012
from pixelwise.data.transforms import Augment
from pixelwise.experiment import EarlyStop, Experiment, Fit, Optimizer, Schedule
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, ResnetFcn, Unet, UnpoolFcn
from pixelwise.models.encoders import EncoderName
from pixelwise.recipes.registry import recipe


@recipe("isayama-voc2012/baseline")
def baseline() -> Experiment:
    """FCN baseline with cross-entropy."""
    return Experiment(
        data=Voc2012(),
        model=Fcn(),
        image_size=(224, 224),
        fit=Fit(epochs=13, batch_size=16, optimizer=Optimizer(lr=1e-3), early_stop=EarlyStop(patience=3)),
    )


@recipe("isayama-voc2012/cosine-annealing")
def cosine_annealing() -> Experiment:
    """Baseline with a cosine schedule."""
    plain = baseline()
    return plain.replace(fit=plain.fit.replace(schedule=Schedule(kind="cosine")))


@recipe("isayama-voc2012/data-augmentation")
def data_augmentation() -> Experiment:
    """Cosine schedule with flips, more epochs and a larger patience."""
    cosine = cosine_annealing()
    fit = cosine.fit.replace(epochs=30, early_stop=EarlyStop(patience=9))
    return cosine.replace(augment=Augment(hflip=0.5, vflip=0.5), fit=fit)


@recipe("isayama-voc2012/weighted-loss")
def weighted_loss() -> Experiment:
    """Flips with class weights 1 - share and a higher learning rate."""
    flipped = data_augmentation()
    fit = flipped.fit.replace(optimizer=Optimizer(lr=1.85e-3))
    return flipped.replace(loss=CrossEntropy(class_weights="complement"), fit=fit)


@recipe("isayama-voc2012/max-unpool")
def max_unpool() -> Experiment:
    """The report's own network, whose decoder unpools with the pooling indices."""
    return weighted_loss().replace(model=UnpoolFcn())


@recipe("isayama-voc2012/resnet34")
def resnet34() -> Experiment:
    """ResNet-34 encoder with ImageNet weights and a narrower decoder; the report's best system."""
    return _resnet("resnet34")


@recipe("isayama-voc2012/resnet18")
def resnet18() -> Experiment:
    """ResNet-18 encoder with ImageNet weights and a narrower decoder.

    The report mentions it in the text; its tables do not contain it.
    """
    return _resnet("resnet18")


@recipe("isayama-voc2012/unet-instancenorm")
def unet_instancenorm() -> Experiment:
    """U-Net with InstanceNorm."""
    weighted = weighted_loss()
    return weighted.replace(model=Unet(norm="instance"), fit=weighted.fit.replace(optimizer=Optimizer(lr=1e-3)))


def _resnet(encoder: EncoderName) -> Experiment:
    weighted = weighted_loss()
    model = ResnetFcn(encoder=encoder, widths=(256, 128, 64, 32, 16), norm_first=True, mean=None, std=None)
    return weighted.replace(model=model, fit=weighted.fit.replace(epochs=50))
