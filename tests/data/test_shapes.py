"""Shapes: a data set that is a function of its spec, and as awkward as a real one."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data.base import Sample
from pixelwise.data.shapes import KINDS, OBJECTS, Kind, Shapes, ShapesSplit

ROOT = Path("no/such/folder")
SMALL = Shapes(size=(48, 64), images=8)


def same(one: Sample, other: Sample) -> bool:
    return torch.equal(one.image, other.image) and torch.equal(one.labels, other.labels)


def samples(spec: Shapes, split: str = "train") -> list[Sample]:
    built = spec.build(split, ROOT)
    return [built[i] for i in range(len(built))]


def neighborhood(labels: np.ndarray, reach: int) -> np.ndarray:
    """`[H, W, n]`: the labels of the square of pixels within `reach` of each pixel; void beyond the frame."""
    padded = np.pad(labels, reach, constant_values=IGNORE)
    side = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*labels.shape, side * side)


@pytest.fixture(scope="module")
def counts() -> dict[str, np.ndarray]:
    """Pixels of each label 0..255 in each split, at the defaults."""
    spec = Shapes()
    return {
        split: np.sum([np.bincount(s.labels.flatten(), minlength=256) for s in samples(spec, split)], axis=0)
        for split in spec.splits
    }


def test_a_sample_keeps_the_contract_of_data_sets():
    split = SMALL.build("train", ROOT)
    sample = split[7]
    assert len(split) == len(split.ids) == 8
    assert sample.id == split.ids[7] == "train_0007"
    assert sample.image.shape == (3, 48, 64)
    assert sample.labels.shape == (48, 64)
    assert sample.image.dtype == sample.labels.dtype == torch.uint8
    assert split.label_space == SMALL.label_space


def test_the_same_spec_gives_the_same_pictures_in_any_order_and_any_process():
    split = SMALL.build("train", ROOT)
    forward = samples(SMALL)
    again = SMALL.build("train", ROOT)
    backward = [again[i] for i in reversed(range(8))][::-1]
    elsewhere: ShapesSplit = pickle.loads(pickle.dumps(split))  # what a loader's worker gets
    assert all(same(a, b) for a, b in zip(forward, backward, strict=True))
    assert same(split[3], split[3])
    assert same(elsewhere[5], forward[5])


@pytest.mark.parametrize("other", [SMALL.replace(seed=1).build("train", ROOT)[0], SMALL.build("val", ROOT)[0]])
def test_another_seed_or_split_gives_another_picture(other: Sample):
    first = SMALL.build("train", ROOT)[0]
    assert not torch.equal(first.image, other.image)
    assert not torch.equal(first.labels, other.labels)


def test_no_picture_appears_twice():
    spec = Shapes(size=(32, 32), images=40)
    every = [sample for split in spec.splits for sample in samples(spec, split)]
    assert len({s.id for s in every}) == len({s.image.numpy().tobytes() for s in every}) == 40 + 10 + 10


def test_the_number_of_images_does_not_change_the_first_ones():
    assert same(SMALL.build("train", ROOT)[2], SMALL.replace(images=3).build("train", ROOT)[2])


@pytest.mark.parametrize(
    ("index", "golden"),
    [
        (0, {0: 11545, 1: 1595, 3: 656, 5: 1479, IGNORE: 1109}),
        (8, {0: 8751, 2: 4075, 3: 1876, 6: 370, IGNORE: 1312}),
    ],
)
def test_golden_labels(index: int, golden: dict[int, int]):
    """Pixels of each label. Whoever changes the pictures changes every score that was measured on them."""
    labels, counts = np.unique(Shapes().build("val", ROOT)[index].labels, return_counts=True)
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == golden


def test_labels_are_classes_or_void(counts: dict[str, np.ndarray]):
    known = {*range(Shapes().label_space.num_classes), IGNORE}
    for split in counts:
        assert set(np.flatnonzero(counts[split])) == known, "a class is missing or foreign"


def test_most_pixels_are_background_as_in_voc(counts: dict[str, np.ndarray]):
    for pixels in counts.values():
        assert 0.65 < pixels[0] / pixels[:IGNORE].sum() < 0.80


def test_the_commonest_shape_covers_many_times_the_rarest(counts: dict[str, np.ndarray]):
    shapes = counts["train"][1 : len(KINDS) + 1]
    assert shapes.argmax() == 0
    assert 8 < shapes.max() / shapes.min() < 40


def test_probabilities_sum_to_one():
    assert sum(OBJECTS) == pytest.approx(1)
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)


def test_void_lies_on_outlines_only():
    lonely = total = 0
    for sample in samples(Shapes(images=40)):
        labels = sample.labels.numpy()
        near = neighborhood(labels, 4)[labels == IGNORE]
        known = near != IGNORE
        assert known.any(axis=1).all(), "void is no more than a few pixels wide"
        least, most = near.min(axis=1), np.where(known, near, 0).max(axis=1)
        lonely += int((least == most).sum())
        total += len(near)
    # Void within one class: two neighbors of one kind, and outlines along the frame.
    assert lonely / total < 0.1


def test_void_separates_every_object_from_the_background():
    for sample in samples(Shapes(images=20)):
        labels = sample.labels.numpy()
        near = neighborhood(labels, 1)[labels == 0]
        assert set(np.unique(near)) <= {0, IGNORE}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.distance.__name__)
def test_distances_are_negative_inside_and_never_too_large(kind: Kind):
    """A distance may not change faster than its point moves, or borders would be thinner in some directions."""
    y, x = np.mgrid[-2:2:200j, -2:2:200j]
    away = kind.distance(x, y)
    step = 4 / 199
    assert away.min() < 0 < away[0].min()
    assert max(abs(np.diff(away, axis=axis)).max() for axis in (0, 1)) <= step * 1.0001
    assert 1.5 < (away < 0).sum() * step**2 < 4, "no shape is hair-thin"


def test_color_does_not_tell_the_class():
    """The mean colors of the two commonest shapes differ by less than the colors within one of them."""
    means: dict[int, list[np.ndarray]] = {1: [], 2: []}
    for sample in samples(Shapes(size=(64, 64), images=150)):
        for label, found in means.items():
            if (sample.labels == label).any():
                found.append(sample.image[:, sample.labels == label].float().mean(dim=1).numpy())
    disc, square = (np.stack(found) for found in means.values())
    assert (abs(disc.mean(axis=0) - square.mean(axis=0)) < 0.5 * disc.std(axis=0)).all()


@pytest.mark.parametrize("size", [(32, 32), (33, 190), (150, 40)])
def test_any_size_from_32_on(size: tuple[int, int]):
    for sample in samples(Shapes(size=size, images=12)):
        assert sample.labels.shape == size
        assert sample.image.float().std() > 1


@pytest.mark.parametrize(("images", "expected"), [(1, (1, 1, 1)), (9, (9, 2, 2)), (400, (400, 100, 100))])
def test_val_and_test_have_a_quarter_each(images: int, expected: tuple[int, ...]):
    spec = Shapes(images=images)
    assert tuple(len(spec.build(split, ROOT)) for split in spec.splits) == expected


def test_an_unknown_split_is_answered_with_the_closest_one():
    with pytest.raises(InvalidSpec, match=r"shapes has no split 'tset'\. Did you mean 'test'\?"):
        Shapes().build("tset", ROOT)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("size", (31, 128), r"size\.0: .* 32 .*given: 31"),
        ("size", (128,), r"size\.1"),
        ("images", 0, "images: .* 1 .*given: 0"),
        ("seed", -1, "seed: .* 0 .*given: -1"),
        ("image", 5, "there is no field 'image'.*Did you mean 'images'"),
    ],
)
def test_fields_are_validated(field: str, value: object, reason: str):
    with pytest.raises(InvalidSpec, match=reason):
        Shapes().replace(**{field: value})


def test_fields_come_from_the_command_line_and_from_json():
    spec = Shapes().with_values({"size": "[64, 96]", "images": "12", "seed": "3"})
    assert spec == Shapes(size=(64, 96), images=12, seed=3)
    assert Shapes.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("index", [-1, 8])
def test_an_index_out_of_range(index: int):
    with pytest.raises(IndexError, match=r"train has the samples 0\.\.7"):
        SMALL.build("train", ROOT)[index]


def test_void_has_a_name_a_raw_id_and_a_color():
    space = Shapes().label_space
    assert space.void == {255: "border"}
    assert space.names == ("background", "disc", "square", "triangle", "ring", "cross", "star")
    assert space.void_color == (224, 224, 192)
    assert space.colors[0] == (0, 0, 0)
    labels = SMALL.build("train", ROOT)[0].labels.numpy()
    assert np.array_equal(space.to_classes(space.to_raw(labels)), labels)
