"""Boundary IoU against SciPy's erosion."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from pixelwise.core.label_space import IGNORE
from pixelwise.metrics.boundary import count_boundaries, near_others


@given(seed=st.integers(0, 10_000), distance=st.integers(1, 6))
def test_a_boundary_is_each_mask_without_its_erosion(seed: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 4, (5, 6)).repeat(6, 0).repeat(6, 1)[:25, :31]
    ids = np.where(rng.random(seeds.shape) < 0.01, 3, seeds)
    expected = np.zeros(ids.shape, bool)
    for class_id in range(4):
        mask = ids == class_id
        expected |= mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=distance, border_value=0)
    assert np.array_equal(near_others(torch.from_numpy(ids), distance).numpy(), expected)


def test_a_shifted_square_keeps_its_iou_and_loses_its_boundary() -> None:
    true, predicted = torch.zeros(200, 200, dtype=torch.uint8), torch.zeros(200, 200, dtype=torch.uint8)
    true[40:160, 40:160] = 1
    predicted[46:166, 46:166] = 1
    counts = count_boundaries(true, predicted, 2)
    inside = (true == 1) & (predicted == 1)
    iou = inside.sum() / ((true == 1) | (predicted == 1)).sum()
    assert iou > 0.8
    assert counts.intersection[1] / counts.union[1] < 0.1


def test_the_truth_fits_itself_and_void_does_not_count() -> None:
    labels = torch.randint(0, 3, (40, 50), dtype=torch.uint8)
    labels[:10] = IGNORE
    predicted = labels.clone()
    predicted[:10] = 2
    counts = count_boundaries(labels, predicted, 4)
    assert torch.equal(counts.intersection, counts.union)
    assert counts.union[3] == 0
    assert counts.union.sum() <= 30 * 50


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (3, 2)])
def test_small_images_are_all_boundary(size: tuple[int, int]) -> None:
    labels = torch.zeros(size, dtype=torch.uint8)
    assert count_boundaries(labels, labels, 1).union.tolist() == [labels.numel()]
