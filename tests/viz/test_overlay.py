"""Overlays and legends."""

import numpy as np
import pytest

from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.viz.legend import font, legend, present
from pixelwise.viz.overlay import colorize, overlay, with_legend

STREET = LabelSpace(
    names=("sky", "road", "car"),
    colors=((70, 130, 180), (128, 64, 128), (0, 0, 142)),
    raw_ids=(0, 1, 2),
    void={11: "unlabelled"},
    void_color=(1, 2, 3),
)
OBJECTS = STREET.replace(names=("background", "cat", "dog"))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def classes() -> np.ndarray:
    """Sky above road, a car between them, void at the left."""
    classes = np.zeros((40, 60), np.uint8)
    classes[20:] = 1
    classes[15:25, 30:45] = 2
    classes[:, :8] = IGNORE
    return classes


def inside(classes: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbors have their class."""
    padded = np.pad(classes, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    same: np.ndarray = np.logical_and.reduce([near == classes for near in around])
    return same


def swatches(picture: np.ndarray, space: LabelSpace) -> set[str]:
    return {n for n, c in zip(space.names, space.colors, strict=True) if (picture == c).all(axis=-1).any()}


def test_colors_are_the_label_spaces(classes):
    picture = colorize(classes, STREET)
    assert tuple(picture[0, 59]) == (70, 130, 180)
    assert tuple(picture[39, 59]) == (128, 64, 128)
    assert tuple(picture[0, 0]) == (1, 2, 3)


def test_opacity_0_changes_only_rims(image, classes):
    picture = overlay(image, classes, STREET, opacity=0.0)
    np.testing.assert_array_equal(picture[inside(classes)], image[inside(classes)])
    assert (picture[~inside(classes)] != image[~inside(classes)]).any()


def test_opacity_1_shows_only_colors(image, classes):
    valid = classes != IGNORE
    np.testing.assert_array_equal(overlay(image, classes, STREET, 1.0)[valid], colorize(classes, STREET)[valid])


@pytest.mark.parametrize("opacity", [0.25, 0.5, 0.8])
def test_inside_a_region_image_and_color_are_mixed(image, classes, opacity):
    expected = (1 - opacity) * image + opacity * colorize(classes, STREET).astype(float)
    at = inside(classes) & (classes != IGNORE)
    # One gray level for rounding the result, one for rounding the opacity to 1/256.
    np.testing.assert_allclose(overlay(image, classes, STREET, opacity)[at], expected[at], atol=1.5)


def test_void_and_background_are_the_image(image, classes):
    for space, clear in ((STREET, classes == IGNORE), (OBJECTS, (classes == IGNORE) | (classes == 0))):
        picture = overlay(image, classes, space, 0.9)
        np.testing.assert_array_equal(picture[clear], image[clear])
        assert (picture[~clear] != image[~clear]).any(axis=-1).mean() > 0.99


def test_a_thin_pole_has_its_full_color(image):
    classes = np.zeros((40, 60), np.uint8)
    classes[:, 30] = 2
    assert (overlay(image, classes, STREET, 0.1)[:, 30] == STREET.colors[2]).all()


def test_rims_of_large_pictures_are_wider():
    def rim(scale: int) -> int:
        classes = np.zeros((400 * scale, 600 * scale), np.uint8)
        classes[:, 300 * scale :] = 1
        picture = overlay(np.zeros((*classes.shape, 3), np.uint8), classes, STREET, 0.0)
        return int(picture[0].any(axis=-1).sum())

    assert rim(1) == 2
    assert rim(4) >= 4


def test_inputs_are_left_alone(image, classes):
    before = image.copy(), classes.copy()
    with_legend(overlay(image, classes, STREET), classes, STREET)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(classes, before[1])


def test_opacity_in_percent_is_refused(image, classes):
    with pytest.raises(ValueError, match=r"0\.\.1"):
        overlay(image, classes, STREET, 50.0)


def test_legend_lists_the_present_classes_by_share_and_void_last(classes):
    classes[classes == 2] = 1
    classes[:, :40] = IGNORE
    entries = present([classes], STREET)
    assert [entry.name for entry in entries] == ["road", "sky", "unlabelled"]
    assert sum(entry.share for entry in entries) == pytest.approx(1)


def test_legend_is_drawn_below_an_untouched_picture(image):
    classes = np.zeros((40, 60), np.uint8)
    classes[0, 0] = 2
    picture = with_legend(np.full_like(image, 9), classes, STREET)
    above, below = picture[:40], picture[40:]
    left = (picture.shape[1] - 60) // 2
    assert (above[:, left : left + 60] == 9).all()
    assert swatches(below, STREET) == {"sky", "car"}


@pytest.mark.parametrize("width", [32, 300, 4000])
def test_no_name_is_cut_off(width):
    """A wider strip has the same ink, so nothing was cut off in the first one."""
    names = tuple(f"class number {i} with a long name" for i in range(20))
    space = LabelSpace(names=names, colors=((50, 90, 200),) * 20, raw_ids=tuple(range(20)))
    classes = np.arange(20, dtype=np.uint8).repeat(width)[: 20 * width].reshape(20, width)
    picture = np.zeros((20, width, 3), np.uint8)
    strip = with_legend(picture, classes, space)[20:]
    assert strip.shape[1] >= width
    assert (strip[:, -1] == 255).all()
    assert (strip[-1] == 255).all()
    roomy = legend(present([classes], space), 60 * width + 9000, 12)
    assert (strip < 160).all(-1).sum() == pytest.approx((np.asarray(roomy) < 160).all(-1).sum(), rel=0.02)


def test_more_classes_need_more_rows():
    def height(count: int) -> int:
        space = LabelSpace(
            names=tuple(f"class {i}" for i in range(count)),
            colors=((9, 9, 9),) * count,
            raw_ids=tuple(range(count)),
        )
        classes = np.resize(np.arange(count, dtype=np.uint8), (100, 300))
        return int(with_legend(np.zeros((100, 300, 3), np.uint8), classes, space).shape[0])

    assert height(2) < height(20) < height(150)


def test_names_in_any_script_are_drawn():
    letters = [bytes(font(20).getmask(letter)) for letter in "éüßЯλ"]
    assert len(set(letters)) == len(letters), "different letters look different, so none is the box of a missing one"
    odd = STREET.replace(names=("Straße", "中文 🚗", "a\nline break"))
    with_legend(np.zeros((30, 90, 3), np.uint8), np.resize(np.arange(3, dtype=np.uint8), (30, 90)), odd)


def test_a_picture_without_pixels_of_any_class_has_no_legend():
    assert with_legend(np.zeros((5, 5, 3), np.uint8), np.zeros((0, 0), np.uint8), STREET).shape == (5, 5, 3)
