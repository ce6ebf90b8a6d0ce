"""Batches are a function of (seed, round), for any number of workers."""

import contextlib
import gc
import multiprocessing
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch

from pixelwise.core.errors import DataError
from pixelwise.core.user_code import load_object
from pixelwise.data import CamVid, SegmentationDataset, Shapes
from pixelwise.data.base import Sample
from pixelwise.data.loading import Batch, TrainLoader, _Plain, read_samples
from pixelwise.data.transforms import Augment
from tests.data.memory import InMemory, numbered
from tests.data.trees import camvid

NOTHING = Augment()
EVERYTHING = Augment(rescale=(0.7, 1.4), rotate=30, crop=(24, 24), hflip=0.5, vflip=0.5)


def loader(split: SegmentationDataset, how: Augment = NOTHING, seed: int = 0, workers: int = 0) -> TrainLoader:
    return TrainLoader(split, how, None, batch_size=4, seed=seed, workers=workers)


def order(batches: Iterable[Batch]) -> list[int]:
    """Which samples of a `numbered` split came, in order."""
    return [int(image[0, 0, 0]) for batch in batches for image in batch.images]


def sentence(batches: Iterable[object]) -> str:
    """What DataError says; `pytest.raises` would keep the error, and with it the loader and its workers."""
    try:
        list(batches)
    except DataError as e:
        return str(e)
    pytest.fail("nothing was wrong")


@pytest.fixture(scope="module")
def shapes() -> SegmentationDataset:
    return Shapes(size=(32, 32), images=10).build("train", Path())


def test_a_round_contains_every_sample_exactly_once() -> None:
    batches = list(loader(numbered(10)).round(3))
    assert [len(batch.images) for batch in batches] == [4, 4, 2]
    assert sorted(order(batches)) == list(range(10))
    assert len(loader(numbered(10))) == 3


def test_the_order_depends_on_round_and_seed_only() -> None:
    split = numbered(50)
    orders = [order(loader(split, seed=seed).round(number)) for seed in (0, 1) for number in (0, 1)]
    assert len({tuple(o) for o in orders}) == 4
    again = loader(split)
    assert order(again.round(1)) == orders[1], "round 1 does not need round 0 before it"
    assert order(again.round(0)) == orders[0]


def test_a_round_of_several_epochs_augments_each_sample_several_times(
    shapes: SegmentationDataset,
) -> None:
    train = TrainLoader(numbered(10), NOTHING, None, batch_size=4, seed=0, epochs_per_round=3)
    assert len(train) == 8
    assert sorted(order(train.round(0))) == sorted(3 * list(range(10)))
    batches_of_twins = TrainLoader(InMemory([shapes[0]]), EVERYTHING, None, batch_size=4, seed=0, epochs_per_round=4)
    assert len({image.numpy().tobytes() for image in next(batches_of_twins.round(0)).images}) == 4


def test_workers_change_no_bit_of_any_round(shapes: SegmentationDataset) -> None:
    alone, shared = loader(shapes, EVERYTHING), loader(shapes, EVERYTHING, workers=2)
    for number in (0, 1):
        for one, other in zip(alone.round(number), shared.round(number), strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)


def test_a_sample_is_augmented_differently_in_each_round(shapes: SegmentationDataset) -> None:
    one = InMemory([shapes[0]])
    batches_of_twins = [next(loader(one, EVERYTHING).round(number)).images for number in range(4)]
    assert len({image.numpy().tobytes() for image in batches_of_twins}) == 4


def test_two_samples_of_a_round_are_augmented_differently(shapes: SegmentationDataset) -> None:
    twins = InMemory([shapes[0]] * 4)
    images = next(loader(twins, EVERYTHING).round(0)).images
    assert len({image.numpy().tobytes() for image in images}) == 4


def test_with_plain_copies_a_round_contains_each_image_unchanged_and_augmented() -> None:
    """Report ai-idd adds its flipped images to the others: labels and image of a pair stay together."""
    image = torch.arange(3 * 4 * 6, dtype=torch.uint8).view(3, 4, 6)
    split = InMemory([Sample(image + 80 * i, (image[0] + i) % 4, f"n{i}") for i in range(3)])
    train = loader(split, Augment(hflip=1, keep_plain=True))
    assert len(train) == 2
    seen = [pair for batch in train.round(0) for pair in zip(batch.images, batch.labels, strict=True)]
    wanted = [(s.image, s.labels) for s in split.samples] + [(s.image.flip(2), s.labels.flip(1)) for s in split.samples]
    assert len(seen) == 6
    for picture, labels in wanted:
        assert sum(torch.equal(picture, p) and torch.equal(labels, of_it) for p, of_it in seen) == 1


def test_plain_copies_are_shuffled_among_the_augmented_and_come_at_the_wanted_size() -> None:
    split = numbered(20, (8, 8))
    train = TrainLoader(split, Augment(rescale=(0.5, 0.5), crop=(6, 6), keep_plain=True), (6, 6), batch_size=4, seed=0)
    batches = list(train.round(0))
    # Halved and extended again, an augmented picture has black right and below; a plain one is full to its corner.
    plain = [bool(image[0, -1, -1]) for batch in batches for image in batch.images if image[0, 0, 0]]
    assert {batch.images.shape[2:] for batch in batches} == {(6, 6)}
    assert sum(plain) == 19
    assert not all(plain[: len(plain) // 2]), "first all plain ones"
    assert any(plain[len(plain) // 2 :]), "first all augmented ones"


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_does_not_use_torchs_global_generator(shapes: SegmentationDataset, workers: int) -> None:
    """Else dropout would see other numbers whenever workers start anew."""
    before = torch.get_rng_state()
    list(loader(shapes, EVERYTHING, workers=workers).round(0))
    list(read_samples(shapes, workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_images_come_at_the_wanted_size_before_they_are_augmented() -> None:
    mixed = InMemory([numbered(1, (8, 10))[0], numbered(1, (30, 20))[0]])
    batches = TrainLoader(mixed, Augment(crop=(5, 9)), (16, 12), batch_size=2, seed=0).round(0)
    assert next(batches).images.shape == (2, 3, 5, 9)


@pytest.mark.parametrize("workers", [0, 2])
def test_sizes_that_cannot_form_a_batch_are_named_with_the_remedy(workers: int) -> None:
    mixed = InMemory([numbered(1, (8, 10))[0]._replace(id="first"), numbered(1, (4, 6))[0]._replace(id="second")])
    text = sentence(loader(mixed, workers=workers).round(0))
    assert "first (10x8)" in text
    assert "second (6x4)" in text
    assert "--set image_size=[H,W]" in text
    assert "--set augment.crop=[H,W]" in text


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "walk", [lambda split, n: loader(split, workers=n).round(0), read_samples], ids=["training", "reading"]
)
def test_a_broken_file_arrives_as_one_sentence_from_any_process(
    tmp_path: Path, workers: int, walk: Callable[[SegmentationDataset, int], Iterable[object]]
) -> None:
    camvid(tmp_path)
    broken = tmp_path / "camvid/train/0016E5_00130.png"
    broken.write_bytes(b"")
    text = sentence(walk(CamVid().build("train", tmp_path), workers))
    assert text.startswith(f"{broken}: is empty (0 bytes)")
    assert "\n" not in text, "a traceback of the worker came along"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_that_failed_ends_with_its_workers_at_once(workers: int) -> None:
    """Not when garbage is collected: processes forked until then would inherit its queues, and tear them down."""
    mixed = InMemory([numbered(1, (8, 10))[0], numbered(1, (4, 6))[0]])
    before = set(multiprocessing.active_children())
    gc.disable()
    try:
        train = loader(mixed, workers=workers)
        alive = weakref.ref(train)
        with contextlib.suppress(DataError):
            next(train.round(0))
        del train
        assert alive() is None
        assert set(multiprocessing.active_children()) <= before
    finally:
        gc.enable()


@pytest.mark.parametrize("workers", [0, 2])
def test_reading_keeps_the_splits_own_order(workers: int) -> None:
    split = numbered(7)
    assert [sample.id for sample in read_samples(split, workers)] == split.ids


def test_a_users_data_set_reaches_a_worker_process_that_is_not_forked(tmp_path: Path) -> None:
    """As on macOS and Windows, and on Linux from Python 3.14 on."""
    source = Path(__file__).parents[1] / "own_data.py"
    mine = tmp_path / "mine.py"
    mine.write_bytes(source.read_bytes())
    spec = load_object(f"{mine}:Stripes")()
    loaded = pickle.dumps(_Plain(spec.build("train", tmp_path)))
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer)[1].image.sum().item())"
    done = subprocess.run([sys.executable, "-c", program], input=loaded, capture_output=True, check=True)
    assert int(done.stdout) == int(spec.build("train", tmp_path)[1].image.sum())
