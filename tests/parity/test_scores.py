"""Our scores against torchmetrics and scikit-learn, on random labels with void pixels.

The libraries differ from us, and from each other, for classes that do not occur in the labels:

- A class that is in neither labels nor predictions has the IoU NaN here and is left out of the mean. Both libraries
  return 0; torchmetrics leaves it out of the mean, and so does scikit-learn unless the argument `labels` contains it.
- A class that is only in the predictions has the IoU 0 everywhere. Mean accuracy leaves it out here and in
  scikit-learn.
"""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, jaccard_score
from torchmetrics.classification import MulticlassJaccardIndex

from pixelwise.core.label_space import IGNORE
from pixelwise.metrics import confusion

K = 7


class Case(NamedTuple):
    labels: torch.Tensor
    predicted: torch.Tensor

    @property
    def valid(self) -> tuple[np.ndarray, np.ndarray]:
        keep = self.labels != IGNORE
        return self.labels[keep].numpy(), self.predicted[keep].numpy()

    @property
    def matrix(self) -> confusion.Matrix:
        counts: confusion.Matrix = confusion.count(self.labels, self.predicted, K).numpy()
        return counts


def case(true: int, predicted: int, seed: int) -> Case:
    """Two in three pixels right, one in ten void, classes of very different size.

    Args:
        true: The labels contain the classes 0 to true - 1.
        predicted: The predictions contain the classes 0 to predicted - 1.
        seed: Random seed.
    """
    rng = np.random.default_rng(seed)
    share = 0.5 ** np.arange(true)
    labels = rng.choice(true, size=(2, 40, 50), p=share / share.sum())
    guess = rng.integers(0, predicted, size=labels.shape)
    found = np.where((rng.random(labels.shape) < 0.66) & (labels < predicted), labels, guess)
    labels[rng.random(labels.shape) < 0.1] = IGNORE
    return Case(torch.from_numpy(labels), torch.from_numpy(found))


CASES = {
    "all classes": case(K, K, 0),
    "a class in neither": case(K - 1, K - 1, 1),
    "a class never true": case(K - 1, K, 2),
    "a class never predicted": case(K, K - 1, 3),
}
every_case = pytest.mark.parametrize("given", CASES.values(), ids=CASES.keys())


@every_case
def test_the_matrix_is_scikit_learns(given: Case) -> None:
    assert np.array_equal(given.matrix, confusion_matrix(*given.valid, labels=range(K)))


@every_case
def test_iou_of_each_class_that_occurs_is_torchmetrics_and_scikit_learns(given: Case) -> None:
    iou = confusion.iou(given.matrix)
    occurs = np.isin(np.arange(K), np.concatenate(given.valid))
    assert np.array_equal(np.isfinite(iou), occurs)
    torchmetrics = MulticlassJaccardIndex(K, average="none", ignore_index=IGNORE)(given.predicted, given.labels)
    sklearn = jaccard_score(*given.valid, labels=range(K), average=None, zero_division=0)
    assert iou[occurs] == pytest.approx(torchmetrics.numpy()[occurs], abs=1e-6)
    assert iou[occurs] == pytest.approx(sklearn[occurs], abs=1e-12)


@every_case
def test_mean_iou_is_torchmetrics_and_scikit_learns(given: Case) -> None:
    torchmetrics = MulticlassJaccardIndex(K, average="macro", ignore_index=IGNORE)(given.predicted, given.labels)
    assert confusion.mean_iou(given.matrix) == pytest.approx(torchmetrics.item(), abs=1e-6)
    assert confusion.mean_iou(given.matrix) == pytest.approx(jaccard_score(*given.valid, average="macro"), abs=1e-12)


@every_case
def test_frequency_weighted_iou_is_scikit_learns_weighted_mean(given: Case) -> None:
    weighted = jaccard_score(*given.valid, average="weighted")
    assert confusion.frequency_weighted_iou(given.matrix) == pytest.approx(weighted, abs=1e-12)


@every_case
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
def test_accuracies_are_scikit_learns(given: Case) -> None:
    assert confusion.pixel_accuracy(given.matrix) == pytest.approx(accuracy_score(*given.valid), abs=1e-12)
    assert confusion.mean_accuracy(given.matrix) == pytest.approx(balanced_accuracy_score(*given.valid), abs=1e-12)
