"""Error map of one prediction, difference map of two."""

import numpy as np

from pixelwise.core.label_space import IGNORE
from pixelwise.viz.errors import FIRST, SECOND, difference_map, error_map

IMAGE = np.full((1, 5, 3), 100, np.uint8)
LABELS = np.array([[0, 1, 1, 2, IGNORE]], np.uint8)


def test_a_pixel_has_the_color_of_the_one_that_alone_is_right() -> None:
    first, second = np.array([[0, 1, 0, 0, 0]], np.uint8), np.array([[0, 0, 1, 1, 1]], np.uint8)
    both, one, two, none, void = difference_map(IMAGE, LABELS, first, second)[0].astype(int)
    assert len(set(both)) == 1  # gray
    assert (none == both).all()
    assert np.abs(one - FIRST).sum() < np.abs(both - FIRST).sum()
    assert np.abs(two - SECOND).sum() < np.abs(both - SECOND).sum()
    assert not void.any()


def test_only_what_is_wrong_and_not_void_is_colored() -> None:
    shown = error_map(IMAGE, np.array([[0, 1, 0, 2, 0]], np.uint8), LABELS)[0].astype(int)
    assert [len(set(pixel)) > 1 for pixel in shown] == [False, False, True, False, False]
    assert not shown[4].any()
