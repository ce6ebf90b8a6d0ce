"""Statistics of a split against NumPy on all pixels at once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE
from pixelwise.data.base import Sample
from pixelwise.data.statistics import Statistics, Survey, measure, survey
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
    first = survey(split)
    assert survey(split, workers=2).to_json() == first.to_json()
    assert survey(InMemory(split.samples[::-1])).to_json() == first.to_json()


def test_statistics_survive_json_to_the_last_digit(split: InMemory) -> None:
    found = survey(split)
    assert Survey.from_json(found.to_json()) == found
    assert Statistics.from_json(found.statistics.to_json()) == found.statistics == measure(split)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_class_images_and_sizes_are_those_of_each_image_by_itself(sides: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = [rng.choice(np.array([0, 1, 2, 3, IGNORE], np.uint8), side) for side in sides]
    samples = [
        Sample(torch.zeros(3, *truth.shape, dtype=torch.uint8), torch.from_numpy(truth), str(i))
        for i, truth in enumerate(labels)
    ]
    found = survey(InMemory(samples))
    assert found.class_images == tuple(sum(k in truth for truth in labels) for k in range(4))
    shapes = [f"{width}x{height}" for height, width in sides]
    assert found.sizes == {shape: shapes.count(shape) for shape in shapes}
    assert list(found.sizes.values()) == sorted(found.sizes.values(), reverse=True), "the commonest first"


def test_shares_are_of_valid_pixels_and_void_of_all(split: InMemory) -> None:
    labels = np.concatenate([s.labels.numpy().ravel() for s in split.samples])
    found = survey(split)
    np.testing.assert_allclose(found.shares, [(labels[labels != IGNORE] == k).mean() for k in range(4)], rtol=1e-12)
    assert found.void_share == pytest.approx((labels == IGNORE).mean(), rel=1e-12)


def test_a_split_of_void_alone_has_shares_of_zero() -> None:
    void = torch.full((2, 3), IGNORE, dtype=torch.uint8)
    found = survey(InMemory([Sample(torch.zeros(3, 2, 3, dtype=torch.uint8), void, "nothing")]))
    assert list(found.shares) == list(found.class_images) == [0] * 4
    assert found.void_share == 1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64], ids=str)
@pytest.mark.parametrize(
    ("unknown", "shown"), [([4], "4"), ([254, 9], "9, 254"), ([*range(4, 40)], "4, 5, 6, 7, 8, 9, 10, 11, …")]
)
@pytest.mark.parametrize("workers", [0, 2])
def test_ids_outside_the_label_space_are_refused_with_the_sample_and_the_expected_range(
    split: InMemory, workers: int, unknown: list[int], shown: str, dtype: torch.dtype
) -> None:
    labels = torch.zeros(1, 80, dtype=dtype)
    labels[0, : len(unknown)] = torch.tensor(unknown, dtype=dtype)
    labels[0, -1] = IGNORE
    samples = [*split.samples, Sample(torch.zeros(3, 1, 80, dtype=torch.uint8), labels, "odd one")]
    with pytest.raises(DataError) as error:
        survey(InMemory(samples), workers)
    assert str(error.value) == (
        f"the labels of sample 'odd one' contain the class ids {shown}; expected 0..3, or 255 for ignored pixels."
    )


@pytest.mark.parametrize("unknown", [-1, 256, 1000])
def test_ids_that_no_byte_holds_are_refused_too(split: InMemory, unknown: int) -> None:
    labels = torch.tensor([[0, unknown, IGNORE]], dtype=torch.int16)
    odd = InMemory([*split.samples, Sample(torch.zeros(3, 1, 3, dtype=torch.uint8), labels, "odd")])
    with pytest.raises(DataError, match=rf"sample 'odd' contain the class ids {unknown}; expected 0\.\.3, or 255"):
        measure(odd)


def test_int16_labels_count_like_uint8(split: InMemory) -> None:
    wide = InMemory([s._replace(labels=s.labels.to(torch.int16)) for s in split.samples])
    assert measure(wide) == measure(split)
