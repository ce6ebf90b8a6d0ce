"""The systems of report isayama-voc2012: an FCN baseline, a schedule, flips, class weights, and three other networks.

Paper: report isayama-voc2012, PASCAL VOC 2012; loss, mean IoU and pixel accuracy on val. Its abstract says 0.1055, its
tables 0.1051 and 0.1147. Images are normalized by the data set's own mean and standard deviation.

What it leaves open, for all systems: the images' size (224×224 here), the batch (16), Adam or AdamW (Adam), and what
its patience looks at (val loss). Its results speak of rotation, scaling and elastic deformation, its methods of flips
alone: the methods hold.
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
    """The FCN with cross-entropy."""
    return Experiment(
        data=Voc2012(),
        model=Fcn(),
        image_size=(224, 224),
        fit=Fit(epochs=13, batch_size=16, optimizer=Optimizer(lr=1e-3), early_stop=EarlyStop(patience=3)),
    )


@recipe("isayama-voc2012/cosine-annealing")
def cosine_annealing() -> Experiment:
    """The baseline with a cosine schedule."""
    plain = baseline()
    return plain.replace(fit=plain.fit.replace(schedule=Schedule(kind="cosine")))


@recipe("isayama-voc2012/data-augmentation")
def data_augmentation() -> Experiment:
    """The same, longer and more patient, with flips."""
    cosine = cosine_annealing()
    fit = cosine.fit.replace(epochs=30, early_stop=EarlyStop(patience=9))
    return cosine.replace(augment=Augment(hflip=0.5, vflip=0.5), fit=fit)


@recipe("isayama-voc2012/weighted-loss")
def weighted_loss() -> Experiment:
    """The same with classes weighted by 1 - share, at a higher rate."""
    flipped = data_augmentation()
    fit = flipped.fit.replace(optimizer=Optimizer(lr=1.85e-3))
    return flipped.replace(loss=CrossEntropy(class_weights="complement"), fit=fit)


@recipe("isayama-voc2012/max-unpool")
def max_unpool() -> Experiment:
    """Its own network, whose pooling indices lead the way back up."""
    return weighted_loss().replace(model=UnpoolFcn())


@recipe("isayama-voc2012/resnet34")
def resnet34() -> Experiment:
    """An ImageNet ResNet-34 under a narrower decoder; its best system."""
    return _resnet("resnet34")


@recipe("isayama-voc2012/resnet18")
def resnet18() -> Experiment:
    """The same on ResNet-18. Told in the text; no row in its table."""
    return _resnet("resnet18")


@recipe("isayama-voc2012/unet-instancenorm")
def unet_instancenorm() -> Experiment:
    """The U-Net with InstanceNorm."""
    weighted = weighted_loss()
    return weighted.replace(model=Unet(norm="instance"), fit=weighted.fit.replace(optimizer=Optimizer(lr=1e-3)))


def _resnet(encoder: EncoderName) -> Experiment:
    weighted = weighted_loss()
    model = ResnetFcn(encoder=encoder, widths=(256, 128, 64, 32, 16), norm_first=True, mean=None, std=None)
    return weighted.replace(model=model, fit=weighted.fit.replace(epochs=50))
