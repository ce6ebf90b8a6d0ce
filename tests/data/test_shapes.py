"""The data set `shapes`: deterministic scenes whose labels fit their images."""

import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.core.seeding import generator
from pixelwise.data import shapes
from pixelwise.data.base import Sample
from pixelwise.data.shapes import Shapes, ShapesSplit
from pixelwise.data.shapes_drawing import canvas as canvas_module
from pixelwise.data.shapes_drawing import draw_scene
from pixelwise.data.shapes_drawing.canvas import Brush, Canvas, Paint
from pixelwise.data.shapes_drawing.layout import Street, place_things
from pixelwise.data.shapes_drawing.objects import CAR, GRASS, HOUSE, PATH, PERSON, ROAD, SKY, TREE
from pixelwise.data.shapes_drawing.scene import borders
from pixelwise.data.shapes_drawing.view import Camera, Light, noise

ROOT = Path("no/such/folder")
SMALL = Shapes(size=(48, 64), images=8)
CAMERA = Camera((96, 128), horizon=40.0, focal=100.0, height=3.0)
DAYLIGHT = Light((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), sun=0.0, shadow=0.0, lamps=False)


def same(one: Sample, other: Sample) -> bool:
    return torch.equal(one.image, other.image) and torch.equal(one.labels, other.labels)


def samples(spec: Shapes, split: str = "train") -> list[Sample]:
    built = spec.build(split, ROOT)
    return [built[i] for i in range(len(built))]


@pytest.fixture(scope="module")
def scenes() -> list[Sample]:
    """A hundred scenes at the default size."""
    return samples(Shapes(images=100))


@pytest.fixture
def canvas() -> Canvas:
    empty = Canvas(generator(0), CAMERA.size)
    empty.new_object(SKY)
    return empty


def drawn(canvas: Canvas, *, mirrored: bool = False) -> Brush:
    """A brush 10 meters in front of the camera, where a meter has ten pixels; the foot is at column 64, row 70."""
    return Brush(canvas, CAMERA, DAYLIGHT, (0.0, 10.0), CAR, mirrored=mirrored)


def covered(canvas: Canvas, brush: Brush) -> np.ndarray:
    """Pixels that belong to the object of a brush, its foot at the origin: rows down, columns to the right."""
    return np.argwhere(canvas.owner == brush.number) - (70, 64)


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
    again = ShapesSplit(SMALL, "train")
    backward = [again[i] for i in reversed(range(8))][::-1]
    elsewhere: ShapesSplit = pickle.loads(pickle.dumps(split))  # what a loader's worker gets
    assert all(same(a, b) for a, b in zip(forward, backward, strict=True))
    assert same(split[3], split[3])
    assert same(elsewhere[5], forward[5])


def test_a_cached_picture_does_not_change_with_a_sample_that_was_taken_from_it():
    split = SMALL.build("train", ROOT)
    first = split[0]
    first.image.zero_()
    first.labels.zero_()
    assert same(split[0], samples(SMALL)[0])


def test_no_more_pictures_are_cached_than_the_limit_allows(monkeypatch: pytest.MonkeyPatch):
    drawings: list[tuple[int, int]] = []
    draw = draw_scene

    def count(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        drawings.append(size)
        return draw(rng, size)

    monkeypatch.setattr(shapes, "draw_scene", count)
    monkeypatch.setattr(shapes, "MEMORY", 4 * 48 * 64 * 3)
    split = ShapesSplit(SMALL, "train")
    for _ in range(2):
        for index in range(8):
            assert split[index].id == f"train_000{index}"
    assert len(drawings) == 8 + 5, "three of eight are kept"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork processes")
def test_a_picture_that_a_forked_process_has_drawn_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch):
    split = ShapesSplit(SMALL, "train")
    process = multiprocessing.get_context("fork").Process(target=split.__getitem__, args=(3,))
    process.start()
    process.join()
    monkeypatch.setattr(shapes, "draw_scene", lambda *_: pytest.fail("it was drawn again"))
    sample = split[3]
    monkeypatch.undo()
    assert same(sample, samples(SMALL)[3])


@pytest.mark.parametrize("other", [SMALL.replace(seed=1).build("train", ROOT)[0], SMALL.build("val", ROOT)[0]])
def test_another_seed_or_split_gives_another_picture(other: Sample):
    first = SMALL.build("train", ROOT)[0]
    assert not torch.equal(first.image, other.image)
    assert not torch.equal(first.labels, other.labels)


@pytest.mark.slow
def test_no_picture_appears_twice():
    spec = Shapes(size=(32, 32), images=40)
    every = [sample for split in spec.splits for sample in samples(spec, split)]
    assert len({s.id for s in every}) == len({s.image.numpy().tobytes() for s in every}) == 40 + 10 + 10


def test_the_number_of_images_does_not_change_the_first_ones():
    assert same(SMALL.build("train", ROOT)[2], SMALL.replace(images=3).build("train", ROOT)[2])


@pytest.mark.parametrize(
    ("index", "golden"),
    [
        (0, {0: 4120, 2: 2536, 3: 3261, 5: 1149, 7: 166, IGNORE: 1056}),
        (8, {0: 3590, 1: 1204, 2: 717, 3: 997, 4: 2764, 5: 719, 6: 726, 7: 507, IGNORE: 1064}),
    ],
)
def test_golden_labels(index: int, golden: dict[int, int]):
    """Pixels of each label. A change of the pictures changes every score that was measured on them."""
    labels, counts = np.unique(Shapes().build("val", ROOT)[index].labels, return_counts=True)
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == golden


@pytest.mark.slow
def test_every_class_occurs_and_no_other_label(scenes: list[Sample]):
    pixels = np.sum([np.bincount(s.labels.flatten(), minlength=256) for s in scenes], axis=0)
    assert set(np.flatnonzero(pixels)) == {*range(Shapes().label_space.num_classes), IGNORE}


@pytest.mark.parametrize(
    ("class_id", "low", "high"),
    [
        (SKY, 0.2, 0.4), (HOUSE, 0.05, 0.2), (TREE, 0.08, 0.2), (GRASS, 0.12, 0.3), (ROAD, 0.07, 0.2),
        (PATH, 0.06, 0.2), (CAR, 0.02, 0.06), (PERSON, 0.008, 0.03),
    ],
)  # fmt: skip
def test_frequencies_have_a_long_tail(scenes: list[Sample], class_id: int, low: float, high: float):
    labels = np.stack([s.labels.numpy() for s in scenes])
    assert low < (labels == class_id).sum() / (labels != IGNORE).sum() < high


def test_most_scenes_have_every_class_that_moves(scenes: list[Sample]):
    for class_id, share in ((CAR, 0.6), (PERSON, 0.8)):
        assert np.mean([(s.labels == class_id).any() for s in scenes]) > share


def test_void_is_thin_and_lies_between_objects(scenes: list[Sample]):
    """Every void pixel has a labelled one beside it, and there are few."""
    for sample in scenes:
        void = np.pad(sample.labels.numpy() == IGNORE, 1, mode="edge")
        around = void[:-2, 1:-1] & void[2:, 1:-1] & void[1:-1, :-2] & void[1:-1, 2:]
        assert 0.02 < void.mean() < 0.25
        assert (around & void[1:-1, 1:-1]).mean() < 0.01


def test_the_border_lies_on_the_side_of_what_is_behind():
    owner = np.array([[0, 0, 0, 0], [0, 5, 5, 0], [0, 5, 7, 0]], np.uint16)
    assert borders(owner).tolist() == [
        [False, True, True, False],
        [True, False, True, True],
        [True, True, False, True],
    ]


def test_classes_lie_where_they_belong(scenes: list[Sample]):
    """Sky above the ground, all in one picture of its column; mean rows from the sky down to the street."""
    rows = np.arange(96)[:, None]
    for sample in scenes:
        labels = sample.labels.numpy()
        ground = np.isin(labels, (GRASS, ROAD, PATH))
        lowest_sky = np.where(labels == SKY, rows, -1).max(0)
        highest_ground = np.where(ground, rows, 96).min(0)
        assert (lowest_sky < highest_ground).all()
        assert ground[-1].any()
    stacked = np.stack([s.labels.numpy() for s in scenes])
    means = {class_id: np.argwhere(stacked == class_id)[:, 1].mean() for class_id in range(8)}
    assert means[SKY] < means[HOUSE] < means[CAR] < means[ROAD]
    assert means[TREE] < means[PERSON]


def test_colors_belong_to_the_labels(scenes: list[Sample]):
    """The sky is bluer than the ground, grass is greener than roads, and people are more colorful than roads."""
    image = np.stack([s.image.numpy() for s in scenes]).astype(int)
    labels = np.stack([s.labels.numpy() for s in scenes])
    red, green, blue = image.transpose(1, 0, 2, 3)
    assert np.mean((blue - red)[labels == SKY]) > 20 + np.mean((blue - red)[labels == GRASS])
    assert np.mean((2 * green - red - blue)[labels == GRASS]) > 20 + np.mean((2 * green - red - blue)[labels == ROAD])
    assert abs(red - blue)[labels == ROAD].mean() < abs(red - blue)[labels == PERSON].mean()


def test_an_outline_in_the_image_is_one_in_the_labels(scenes: list[Sample]):
    """Colors change more across the void border of an object than elsewhere."""
    contrast, plain = [], []
    for sample in scenes:
        image, labels = sample.image.numpy().astype(int), sample.labels.numpy()
        change = abs(image[:, :, 2:] - image[:, :, :-2]).mean(0)
        border = labels[:, 1:-1] == IGNORE
        contrast.append(change[border].mean())
        plain.append(change[~border].mean())
    assert np.mean(contrast) > 2.5 * np.mean(plain)


@pytest.mark.parametrize("size", [(32, 32), (33, 191), (200, 64), (151, 47)])
def test_any_size_from_32_on(size: tuple[int, int]):
    seen: set[int] = set()
    for sample in samples(Shapes(size=size, images=12)):
        assert sample.labels.shape == size
        assert sample.image.float().std() > 1
        seen |= set(sample.labels.flatten().tolist())
    assert {SKY, TREE, GRASS, PATH, IGNORE} <= seen <= {*range(8), IGNORE}


def test_a_scene_can_have_more_objects_than_a_byte_counts():
    split = Shapes(size=(32, 4000), images=1).build("train", ROOT)
    assert set(split[0].labels.flatten().tolist()) <= {*range(8), IGNORE}


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
    assert space.names == ("sky", "house", "tree", "grass", "road", "path", "car", "person")
    assert space.void_color == (224, 224, 192)
    labels = SMALL.build("train", ROOT)[0].labels.numpy()
    assert np.array_equal(space.to_classes(space.to_raw(labels)), labels)


def test_a_shape_is_drawn_in_meters_above_its_foot(canvas: Canvas):
    brush = drawn(canvas)
    brush.box((0, 0), (2, 1), Paint((1.0, 0.0, 0.0)))
    pixels = covered(canvas, brush)
    assert (pixels.min(0).tolist(), pixels.max(0).tolist()) == ([-10, 0], [-1, 19])
    assert canvas.image[:, 65, 70].tolist() == pytest.approx(DAYLIGHT.on((1.0, 0.0, 0.0), 10.0))


def test_a_mirrored_shape_is_on_the_other_side(canvas: Canvas):
    brush = drawn(canvas, mirrored=True)
    brush.box((0, 0), (2, 1), Paint((1.0, 0.0, 0.0)))
    assert covered(canvas, brush)[:, 1].min() == -20
    assert covered(canvas, brush)[:, 1].max() == -1


@pytest.mark.parametrize("corners", [[(-1, 0), (1, 0), (0, 2)], [(0, 2), (1, 0), (-1, 0)]])
def test_a_polygon_is_filled_whichever_way_its_corners_go(canvas: Canvas, corners: list[tuple[float, float]]):
    brush = drawn(canvas)
    brush.polygon(corners, Paint((0.0, 0.0, 1.0)))
    assert len(covered(canvas, brush)) == pytest.approx(200, abs=15)


def test_ellipses_and_lines_cover_their_areas(canvas: Canvas):
    ellipse, line = drawn(canvas), drawn(canvas)
    ellipse.ellipse((0, 1.5), (2, 1), Paint((0.0, 0.0, 1.0)))
    assert len(covered(canvas, ellipse)) == pytest.approx(np.pi * 200, rel=0.05)
    line.line((-2, 1), (2, 1), 0.6, Paint((0.0, 0.0, 1.0)))
    assert len(covered(canvas, line)) == pytest.approx(240 + np.pi * 3**2, rel=0.05)


def test_both_draws_the_mirror_image_too(canvas: Canvas):
    brush = drawn(canvas)
    brush.ellipse((2, 1), (0.5, 0.5), Paint((0.0, 0.0, 1.0)), both=True)
    columns = covered(canvas, brush)[:, 1]
    assert sorted(columns.tolist()) == sorted((-1 - columns).tolist())
    assert set(columns) & {-20, 19}
    assert 0 not in columns


def test_boxes_draws_so_many(canvas: Canvas):
    brush = drawn(canvas)
    brush.boxes(3, 2.0, 1.0, (0.5, 0.5), Paint((0.0, 0.0, 1.0)))
    assert len(covered(canvas, brush)) == 3 * 10 * 10
    row = canvas.owner[60] == brush.number
    assert (np.diff(row.astype(int)) == 1).sum() == 3


def test_what_is_out_of_the_picture_or_too_small_is_not_drawn(canvas: Canvas):
    brush = drawn(canvas)
    blue = Paint((0.0, 0.0, 1.0))
    brush.box((20, 0), (22, 1), blue)
    brush.box((0, -9), (1, -8), blue)
    brush.box((0, 0), (1.9 * canvas_module.VISIBLE / brush.scale, 1), blue)
    brush.boxes(3, 2.0, 1.0, (0.01, 0.5), blue)
    assert not len(covered(canvas, brush))


def test_lamps_shine_through_haze(canvas: Canvas):
    brush = drawn(canvas)
    brush.box((0, 0), (1, 1), Paint((1.0, 0.8, 0.4), glows=True))
    assert canvas.image[:, 65, 68].tolist() == pytest.approx([1, 0.8, 0.4])


def test_distant_things_are_smaller_and_lie_higher():
    near, far = CAMERA.project((1.0, 10.0)), CAMERA.project((1.0, 40.0))
    assert tuple(near) == (74, 70, 10)
    assert tuple(far) == (66.5, 47.5, 2.5)
    assert CAMERA.project((0.0, CAMERA.nearest))[1] == 96
    assert CAMERA.project((CAMERA.half_width(10.0), 10.0))[0] == 128


def test_lines_away_from_the_camera_meet_at_the_horizon(canvas: Canvas):
    brush = drawn(canvas)
    assert brush.behind((1.0, 0.0), 30.0) == pytest.approx((0.25, 2.25))
    assert brush.behind((5.0, 1.0), 1e9) == pytest.approx(brush.vanishing, abs=1e-6)


@pytest.mark.parametrize("ahead", [True, False])
def test_a_street_finds_its_own_places(ahead: bool):
    street = Street(ahead, offset=12.0, slope=0.1, bend=0.003, road=3.0, path=2.0)
    for along in (-8.0, 0.0, 20.0):
        foot = street.foot(along, -4.0)
        assert street.aside(foot) == pytest.approx(4)
        assert foot[1 if ahead else 0] == along


@pytest.mark.parametrize("ahead", [True, False])
def test_objects_stand_where_they_belong(ahead: bool):
    """Cars on the road, people on the path, houses and trees beside it; the farthest object is drawn first."""
    street = Street(ahead, offset=0.0 if ahead else 12.0, slope=0.05, bend=0.001, road=3.0, path=2.0)
    for seed in range(20):
        things = place_things(generator(seed), CAMERA, street)
        assert [t.foot[1] for t in things] == sorted((t.foot[1] for t in things), reverse=True)
        for kind, foot, _ in things:
            aside = street.aside(foot)
            low, high = {CAR: (0, 3), PERSON: (3, 5), HOUSE: (5, 16), TREE: (5, 11)}[kind.class_id]
            assert low < aside < high
            assert foot[1] > 0.9 * CAMERA.nearest


def test_a_park_has_neither_cars_nor_houses_and_no_tree_on_its_path():
    park = Street(ahead=True, offset=0.0, slope=0.0, bend=0.0, road=0.0, path=1.5)
    things = [thing for seed in range(20) for thing in place_things(generator(seed), CAMERA, park)]
    assert {thing.kind.class_id for thing in things} == {TREE, PERSON}
    assert min(park.aside(thing.foot) for thing in things if thing.kind.class_id == TREE) > park.edge


def test_noise_is_smooth_and_spreads_between_0_and_1():
    y, x = (np.linspace(0, 20, 400, dtype=np.float32) for _ in range(2))
    plane = noise(generator(0), y[:, None], x[None])
    assert 0 <= plane.min() < 0.05
    assert 0.95 < plane.max() <= 1
    assert max(abs(np.diff(plane, axis=axis)).max() for axis in (0, 1)) < 0.1
