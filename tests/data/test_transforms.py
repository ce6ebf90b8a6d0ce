"""Resizing and augmentation of an image together with its labels.

Coordinates are painted into both: labels are the number of the block a pixel lies in, the image is that number as a
gray level. After any augmentation the two have to tell of the same block.
"""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from pixelwise.core.label_space import IGNORE
from pixelwise.data import transforms
from pixelwise.data.transforms import Augment, augment, resize, resize_image

HEIGHT, WIDTH, BLOCK = 64, 80, 16
STEP = 12  # gray levels between two blocks
NUMBERS = torch.arange(20, dtype=torch.uint8).view(4, 5).repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)

ranges = st.tuples(st.floats(0.8, 1.6), st.floats(0.8, 1.6)).map(lambda r: (min(r), max(r)))
crops = st.tuples(st.integers(32, 120), st.integers(32, 120))
augments = st.builds(
    Augment,
    crop=st.none() | crops,
    rescale=st.none() | ranges,
    rotate=st.just(0.0) | st.floats(0, 180),
    hflip=st.floats(0, 1),
    vflip=st.floats(0, 1),
)
dtypes = st.sampled_from([torch.uint8, torch.int16])


class Highest(np.random.Generator):
    """Generator that always draws the upper end of a range."""

    def uniform(self, low: float = 0, high: float = 1, size: None = None) -> float:  # type: ignore[override]  # all that `augment` asks for
        return high


def highest() -> Highest:
    return Highest(np.random.PCG64(0))


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def painted(labels: Tensor) -> Tensor:
    return (labels * STEP).to(torch.uint8).expand(3, -1, -1).contiguous()


def inside_blocks(labels: Tensor, reach: int) -> Tensor:
    """Pixels whose whole neighborhood has one label: no interpolation mixes blocks there."""
    values = torch.nn.functional.pad(labels[None].float(), [reach] * 4, value=-1)
    highest = torch.nn.functional.max_pool2d(values, 2 * reach + 1, 1)
    lowest = -torch.nn.functional.max_pool2d(-values, 2 * reach + 1, 1)
    return (highest == lowest)[0] & (labels != IGNORE)


@settings(max_examples=60, deadline=None)
@given(how=augments, dtype=dtypes, seed=st.integers(0, 2**32))
def test_image_and_labels_agree_after_any_augmentation(how: Augment, dtype: torch.dtype, seed: int) -> None:
    image, labels = augment(painted(NUMBERS), NUMBERS.to(dtype), how, seeded(seed))
    assert image.dtype == torch.uint8
    assert labels.dtype == dtype
    assert image.shape == (3, *labels.shape)
    if how.crop:
        assert labels.shape == how.crop
    reach = 3  # rescaling mixes 1 pixel to each side, turning another: 2 on the diagonal is under 3
    certain = inside_blocks(labels, reach)
    assume(certain.any())
    shown = (image.int() + STEP // 2) // STEP
    assert (shown[:, certain] == labels[certain]).all()


@settings(max_examples=40, deadline=None)
@given(how=augments, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_augmentation(how: Augment, seed: int) -> None:
    one, other = (augment(painted(NUMBERS), NUMBERS, how, seeded(seed)) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


def test_no_augmentation_changes_nothing() -> None:
    image, labels = augment(painted(NUMBERS), NUMBERS, Augment(), seeded())
    assert torch.equal(image, painted(NUMBERS))
    assert torch.equal(labels, NUMBERS)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("hflip", "vflip"), [(1, 0), (0, 1), (1, 1), (0, 0)])
def test_a_certain_flip_is_torchs(hflip: int, vflip: int, seed: int) -> None:
    axes = [-1] * hflip + [-2] * vflip
    image, labels = augment(painted(NUMBERS), NUMBERS, Augment(hflip=hflip, vflip=vflip), seeded(seed))
    assert torch.equal(image, painted(NUMBERS).flip(axes))
    assert torch.equal(labels, NUMBERS.flip(axes))


def test_a_flip_happens_as_often_as_asked() -> None:
    rng, how = seeded(), Augment(hflip=0.3)
    labels = torch.tensor([[0, 1]], dtype=torch.uint8)
    flips = sum(int(augment(painted(labels), labels, how, rng)[1][0, 0]) for _ in range(2000))
    assert abs(flips - 600) < 4 * (2000 * 0.3 * 0.7) ** 0.5  # four standard deviations


def test_a_quarter_turn_by_hand() -> None:
    labels = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=torch.uint8)
    image, turned = augment(painted(labels), labels, Augment(rotate=90), highest())
    assert turned.tolist() == [[3, 6, 9], [2, 5, 8], [1, 4, 7]]  # counter-clockwise
    assert torch.equal(image, painted(turned))


def test_a_quarter_turn_of_a_wide_image_keeps_the_frame_and_loses_its_ends() -> None:
    labels = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=torch.uint8)
    image, turned = augment(painted(labels), labels, Augment(rotate=90), highest())
    assert turned.tolist() == [[IGNORE, 3, 7, IGNORE], [IGNORE, 2, 6, IGNORE]]
    assert image[0].tolist() == [[0, 3 * STEP, 7 * STEP, 0], [0, 2 * STEP, 6 * STEP, 0]]


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(0.5, 180), height=st.integers(5, 40), width=st.integers(5, 40), dtype=dtypes)
def test_labels_are_void_exactly_where_the_turned_image_is_absent(
    angle: float, height: int, width: int, dtype: torch.dtype
) -> None:
    image = torch.full((3, height, width), 200, dtype=torch.uint8)
    labels = torch.ones(height, width, dtype=dtype)
    image, labels = augment(image, labels, Augment(rotate=angle), highest())
    # Where each pixel's center lay before: y points down, so counter-clockwise on screen is this sign.
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    beyond = np.maximum(abs(x * cos - y * sin) - width / 2, abs(x * sin + y * cos) - height / 2)
    clear = abs(beyond) > 1e-3  # on the frame's edge, float32 decides
    void = (labels == IGNORE).numpy()
    assert np.array_equal(void[clear], (beyond > 0)[clear])
    assert np.isin(labels[torch.from_numpy(~void)], 1).all()
    assert (image[:, torch.from_numpy(beyond > 1)] == 0).all()
    assert (image[:, torch.from_numpy(beyond < -1)] == 200).all()


def test_a_crop_larger_than_the_image_is_black_and_void_right_and_below() -> None:
    image, labels = augment(painted(NUMBERS) + 1, NUMBERS, Augment(crop=(HEIGHT + 3, WIDTH + 5)), seeded())
    assert torch.equal(labels[:HEIGHT, :WIDTH], NUMBERS)
    assert torch.equal(image[:, :HEIGHT, :WIDTH], painted(NUMBERS) + 1)
    assert (labels == IGNORE).sum() == (HEIGHT + 3) * (WIDTH + 5) - HEIGHT * WIDTH
    assert (image == 0).sum() == 3 * (labels == IGNORE).sum()


def test_a_crop_lies_anywhere_with_equal_probability() -> None:
    labels = torch.arange(5, dtype=torch.uint8).expand(5, 5)
    rng = seeded()
    columns = [int(augment(painted(labels), labels, Augment(crop=(2, 2)), rng)[1][0, 0]) for _ in range(2000)]
    assert np.bincount(columns).tolist() == pytest.approx([500] * 4, abs=4 * (2000 * 0.25 * 0.75) ** 0.5)


def test_jitter_changes_light_and_colors_within_its_range_and_no_label() -> None:
    image = torch.randint(60, 120, (3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = NUMBERS[:16, :16]
    augmented = [augment(image, labels, Augment(color_jitter=0.3), seeded(seed)) for seed in range(50)]
    assert all(torch.equal(sample[1], labels) for sample in augmented)
    light = np.array([sample[0].float().mean() / image.float().mean() for sample in augmented])
    assert light.min() < 0.8 < 1.2 < light.max(), "brightness alone decides the mean: the others keep it"
    assert (light > 0.7 - 3 / 60).all(), "each of the three cuts off what is below a gray level"
    assert (light < 1.31).all()


def test_jitter_is_torchvisions_own_in_its_order() -> None:
    image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours, _ = augment(image, NUMBERS[:16, :16], Augment(color_jitter=0.25), highest())
    reference = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(image, 1.25), 1.25), 1.25)
    assert torch.equal(ours, reference)


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1.5, 0.5), (-1.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)])
def test_a_rescale_that_is_no_range_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="rescale is a range of factors"):
        Augment(rescale=bad)


sides = st.integers(1, 70) | st.sampled_from([1, 2, 3, 31, 32, 33, 64, 127, 128, 255, 301])


def noise(height: int, width: int, *, channels_last: bool) -> Tensor:
    image = torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(height)).to(torch.uint8)
    return image.permute(1, 2, 0).contiguous().permute(2, 0, 1) if channels_last else image


@settings(max_examples=300)
@given(old=st.tuples(sides, sides), new=st.tuples(sides, sides), channels_last=st.booleans())
def test_resizing_is_torchvisions_to_the_bit(old: tuple[int, int], new: tuple[int, int], channels_last: bool) -> None:
    """Up, down, both at once, odd sides, and both memory layouts, which stay as torchvision leaves them."""
    assume(new != (1, 1))  # torch itself fails there
    image = noise(*old, channels_last=channels_last)
    reference = F.resize(image, list(new), InterpolationMode.BILINEAR, antialias=True)
    ours = resize_image(image, new)
    assert torch.equal(ours, reference)
    assert ours.stride() == reference.stride()
    for dtype in (torch.uint8, torch.int16, torch.int64):
        labels = image[0].contiguous().to(dtype)
        nearest = F.resize(labels[None], list(new), InterpolationMode.NEAREST_EXACT)[0]
        _, ours = resize(image, labels, new)
        assert ours.dtype == dtype
        assert torch.equal(ours, nearest)


@pytest.mark.parametrize("new", [(1, 1), (17, 23), (40, 60), (41, 59), (80, 120), (200, 11)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_resizing_is_torchvisions_on_processors_without_avx2(
    monkeypatch: pytest.MonkeyPatch, new: tuple[int, int], channels_last: bool
) -> None:
    """There both compute in floats and round."""
    monkeypatch.setattr(
        "torchvision.transforms.v2.functional._geometry._do_native_uint8_resize_on_cpu", lambda _: False
    )
    monkeypatch.setattr(transforms, "_has_uint8_kernel", lambda: False)
    image = noise(40, 60, channels_last=channels_last)
    reference = F.resize(image, list(new), InterpolationMode.BILINEAR, antialias=True)
    ours = resize_image(image, new)
    assert torch.equal(ours, reference)
    assert ours.dtype == torch.uint8
    assert ours.stride() == reference.stride()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), dtype=dtypes, height=st.integers(2, 30), width=st.integers(2, 30))
def test_resized_labels_are_labels_that_were_there(data: st.DataObject, dtype: torch.dtype, height: int, width: int):
    """Not to 1×1, where torch's own antialiasing stumbles."""
    old = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    labels = torch.randint(0, 256, old, generator=torch.Generator().manual_seed(height)).to(dtype)
    _, resized = resize(painted(labels), labels, (height, width))
    assert resized.shape == (height, width)
    assert resized.dtype == dtype
    assert set(resized.flatten().tolist()) <= set(labels.flatten().tolist())


@settings(max_examples=60, deadline=None)
@given(width=st.integers(8, 150), dtype=dtypes)
def test_resized_labels_stay_within_half_a_pixel_of_the_image(width: int, dtype: torch.dtype) -> None:
    """Both hold the column that a pixel came from: the image at 4 levels a column, the labels to the nearest."""
    columns = torch.arange(60).expand(4, 60)
    image, labels = resize((4 * columns).to(torch.uint8).expand(3, -1, -1), columns.to(dtype), (4, width))
    middle = slice(width // 8 + 1, -(width // 8) - 1)  # at the ends, interpolation has neighbors on one side only
    apart = (image[0, :, middle] / 4 - labels[:, middle]).abs()
    assert apart.max() <= 0.5 + 1 / 4  # half a column, and one gray level of rounding


def test_legacy_nearest_would_shift_labels_by_a_pixel_and_a_half() -> None:
    """Why labels are resized with NEAREST_EXACT: at a quarter of the size, a pixel's center is column 4i + 1.5."""
    columns = torch.arange(60, dtype=torch.uint8).expand(4, 60)
    centers = 4 * torch.arange(15) + 1.5
    _, ours = resize(painted(columns), columns, (1, 15))
    legacy = F.resize(columns[None], [1, 15], InterpolationMode.NEAREST)[0]
    assert (ours[0] - centers).tolist() == [0.5] * 15
    assert (legacy[0] - centers).tolist() == [-1.5] * 15


def test_doubling_repeats_every_label_twice() -> None:
    labels = torch.tensor([[1, 2], [3, IGNORE]], dtype=torch.uint8)
    _, doubled = resize(painted(labels), labels, (4, 4))
    assert torch.equal(doubled, labels.repeat_interleave(2, 0).repeat_interleave(2, 1))
