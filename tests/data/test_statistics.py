"""Statistics of a split, judged by NumPy on all pixels at once."""

import numpy as np
import pytest
import torch

from pixelwise.core.labels import IGNORE
from pixelwise.data.base import Sample
from pixelwise.data.statistics import Statistics, measure
from tests.data.memory import InMemory


@pytest.fixture
def split() -> InMemory:
    """Images of different sizes and brightness: a mean of means, or of deviations, would differ."""
    rng = np.random.default_rng(0)
    samples = []
    for i, (height, width) in enumerate([(5, 7), (20, 3), (1, 1), (9, 9)]):
        image = rng.integers(0, 60 * (i + 1), (3, height, width), np.uint8)
        labels = rng.choice(np.array([0, 1, 3, IGNORE], np.uint8), (height, width))  # class 2 never occurs
        samples.append(Sample(torch.from_numpy(image), torch.from_numpy(labels), str(i)))
    return InMemory(samples)


def test_mean_std_and_counts_are_numpys_on_the_concatenated_pixels(split: InMemory) -> None:
    pixels = np.concatenate([s.image.numpy().reshape(3, -1) for s in split.samples], axis=1) / 255
    labels = np.concatenate([s.labels.numpy().ravel() for s in split.samples])
    found = measure(split)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.std, pixels.std(axis=1), rtol=1e-12)
    assert found.pixel_counts == tuple((labels == k).sum() for k in range(4))
    assert found.pixel_counts[2] == 0
    assert found.void_pixels == (labels == IGNORE).sum()
    assert found.images == 4


def test_workers_and_order_change_no_digit(split: InMemory) -> None:
    first = measure(split)
    assert measure(split, workers=2) == first
    assert measure(InMemory(split.samples[::-1])) == first


def test_statistics_survive_json_to_the_last_digit(split: InMemory) -> None:
    found = measure(split)
    assert Statistics.from_json(found.to_json()) == found


def test_int16_labels_count_like_uint8(split: InMemory) -> None:
    wide = InMemory([s._replace(labels=s.labels.to(torch.int16)) for s in split.samples])
    assert measure(wide) == measure(split)
