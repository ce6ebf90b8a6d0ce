"""Our losses against torchvision's focal loss and the Dice losses of segmentation-models-pytorch and MONAI.

The references differ from our definitions:

- torchvision's focal loss has one logit and a sigmoid. A softmax over the logits (0, x) is a sigmoid of x, so both
  agree for two classes.
- The Dice loss of segmentation-models-pytorch halves numerator and denominator, so that its smoothing counts twice. It
  is computed over the whole batch and divided by the number of all classes; ours is computed for each image and divided
  by the number of classes in the labels. Both agree for one image with every class; otherwise their ratio is known.
- MONAI's Dice losses are computed for each image, like ours, and have no void. The loss of each class includes absent
  classes, so both agree if every image has every class. Our loss of all classes together is its generalized Dice loss
  with equal weights.
"""

import pytest
import torch
from monai.losses.dice import DiceLoss as MonaiDice
from monai.losses.dice import GeneralizedDiceLoss as MonaiGeneralizedDice
from segmentation_models_pytorch.losses import DiceLoss as SmpDice
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from pixelwise.core.label_space import IGNORE
from pixelwise.losses.dice import DiceLoss
from pixelwise.losses.focal import FocalLoss

K = 5
SMOOTH = 0.5  # half of our ε = 1, because numerator and denominator are halved


def case(classes: int = K, seed: int = 0) -> tuple[Tensor, Tensor]:
    """One image's logits, and labels of some of the classes with every sixth pixel void."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(1, K, 12, 13, generator=generator)
    labels = torch.randint(0, classes, (1, 12, 13), generator=generator)
    labels.flatten()[::6] = IGNORE
    return logits, labels


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_focal_loss_of_two_classes_is_torchvisions(gamma: float) -> None:
    generator = torch.Generator().manual_seed(1)
    x = (5 * torch.randn(2, 9, 8, generator=generator)).requires_grad_()
    labels = torch.randint(0, 2, (2, 9, 8), generator=generator)
    ours = FocalLoss(gamma)(torch.stack([torch.zeros_like(x), x], dim=1), labels).mean
    reference = sigmoid_focal_loss(x, labels.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(torch.autograd.grad(ours, x), torch.autograd.grad(reference, x), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("alpha", [0.25, 0.9])
def test_class_weights_are_torchvisions_alpha(alpha: float) -> None:
    """Its alpha weighs class 1, the rest class 0; it divides by pixels where we divide by their weights."""
    generator = torch.Generator().manual_seed(2)
    x, labels = 5 * torch.randn(2, 9, 8, generator=generator), torch.randint(0, 2, (2, 9, 8), generator=generator)
    ours = FocalLoss(2.0, torch.tensor([1 - alpha, alpha]))(torch.stack([torch.zeros_like(x), x], dim=1), labels)
    torch.testing.assert_close(ours.sum, sigmoid_focal_loss(x, labels.float(), alpha, 2.0, reduction="sum"))


@pytest.mark.parametrize("classes", [K, K - 2])
def test_dice_class_by_class_of_one_image_is_segmentation_models_pytorchs(classes: int) -> None:
    logits, labels = case(classes)
    logits.requires_grad_()
    reference = SmpDice("multiclass", smooth=SMOOTH, from_logits=True, ignore_index=IGNORE)(logits, labels)
    ours = DiceLoss("standard", torch.ones(K))(logits, labels).mean * classes / K
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(reference, logits))


def test_weighted_dice_of_one_image_with_every_class_is_segmentation_models_pytorchs() -> None:
    logits, labels = case()
    weights = [0.15, 1.9, 0.4, 7.0, 1.0]
    reference = SmpDice("multiclass", smooth=SMOOTH, from_logits=True, ignore_index=IGNORE, class_weights=weights)
    ours = DiceLoss("standard", torch.tensor(weights))(logits, labels).mean
    torch.testing.assert_close(ours, reference(logits, labels))


def test_dice_class_by_class_is_the_mean_of_monais_images() -> None:
    logits, labels = without_void()
    reference = MonaiDice(to_onehot_y=True, softmax=True, smooth_nr=1, smooth_dr=1)(logits, labels[:, None])
    ours = DiceLoss("standard", torch.ones(K))(logits, labels).mean
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(reference, logits))


def test_weighted_dice_is_the_weighted_mean_of_monais_classes() -> None:
    logits, labels = without_void()
    weights = torch.tensor([0.15, 1.9, 0.4, 7.0, 1.0])
    each = MonaiDice(to_onehot_y=True, softmax=True, smooth_nr=1, smooth_dr=1, reduction="none")
    reference = (each(logits, labels[:, None])[..., 0, 0] @ weights / weights.sum()).mean()
    torch.testing.assert_close(DiceLoss("standard", weights)(logits, labels).mean, reference)


def test_dice_of_all_classes_together_is_monais_generalized_dice_with_one_weight_for_all() -> None:
    logits, labels = without_void()
    reference = MonaiGeneralizedDice(to_onehot_y=True, softmax=True, w_type="uniform", smooth_nr=1, smooth_dr=1)
    expected = reference(logits, labels[:, None])
    ours = DiceLoss("standard")(logits, labels).mean
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(expected, logits))


def without_void() -> tuple[Tensor, Tensor]:
    """Three images' logits, and labels of every class."""
    generator = torch.Generator().manual_seed(4)
    logits = (3 * torch.randn(3, K, 12, 13, generator=generator)).requires_grad_()
    return logits, torch.randint(0, K, (3, 12, 13), generator=generator)
