"""Systems of report ai-idd: FCN baseline, augmentation, class weights, and three other networks on IDD.

Paper: report ai-idd, Indian Driving Dataset, 27 level-3 ids, none of them ignored (unlabeled is a class); pixel
accuracy, mean IoU and the IoU of five classes on a split that the report does not name.

The report does not state the following. Our choices, for all systems that do not state others: image size 720×1280
(that of its U-Net), Adam with a learning rate of 1e-3, 20 epochs, batch size 4, evaluation on val.
"""

from pixelwise.data import Idd
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.losses import CrossEntropy
from pixelwise.models import DeeplabV3, Fcn, R2Fcn, Unet
from pixelwise.recipes.registry import recipe


@recipe("ai-idd/baseline")
def baseline() -> Experiment:
    """FCN baseline with cross-entropy."""
    return Experiment(
        data=Idd(classes="all"),
        model=Fcn(),
        image_size=(720, 1280),
        fit=Fit(epochs=20, batch_size=4, optimizer=Optimizer(lr=1e-3)),
        watch=("road", "sidewalk", "car", "billboard", "sky"),
    )


@recipe("ai-idd/mirror-flip")
def mirror_flip() -> Experiment:
    """Baseline trained on every image and its mirror image."""
    return baseline().replace(augment=Augment(hflip=1, keep_plain=True))


@recipe("ai-idd/rotation")
def rotation() -> Experiment:
    """Baseline trained on every image and a copy rotated by up to ±1 degree.

    The report states a rotation "by 1 degree".
    """
    return baseline().replace(augment=Augment(rotate=1, keep_plain=True))


@recipe("ai-idd/weighted-loss")
def weighted_loss() -> Experiment:
    """Baseline with class weights 1 - share."""
    return baseline().replace(loss=CrossEntropy(class_weights="complement"))


@recipe("ai-idd/custom-rrcnn")
def custom_rrcnn() -> Experiment:
    """The report's own network of recurrent residual blocks, trained on crops of 256×256 with batch size 1.

    According to the report, crop and batch size were limited by memory.
    """
    plain = baseline()
    return plain.replace(
        model=R2Fcn(), image_size=None, augment=Augment(crop=(256, 256)), fit=plain.fit.replace(batch_size=1)
    )


@recipe("ai-idd/transfer-deeplabv3")
def transfer_deeplabv3() -> Experiment:
    """DeepLabV3 of torchvision with frozen COCO weights and a trained head; the report's best system."""
    plain = baseline()
    return plain.replace(model=DeeplabV3(frozen=True), fit=plain.fit.replace(epochs=7))


@recipe("ai-idd/unet")
def unet() -> Experiment:
    """U-Net with BatchNorm, trained with SGD and batch size 1.

    The learning rate 0.01 and the momentum 0.9 are our choice; the report does not state them.
    """
    fit = Fit(epochs=20, batch_size=1, optimizer=Optimizer(kind="sgd", lr=0.01, momentum=0.9))
    return baseline().replace(model=Unet(), fit=fit)
