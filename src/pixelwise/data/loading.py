"""Data loading: batches of a split in the order of (seed, round) with the augmentation of (seed, round, index)."""

import gc
import io
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from pixelwise.core.errors import DataError, PixelwiseError
from pixelwise.core.seeding import generator
from pixelwise.core.types import Images, Labels
from pixelwise.core.user_code import UserFile, error_in_user_file, import_user_file, user_files
from pixelwise.data.base import Sample, SegmentationDataset
from pixelwise.data.samples import check_class_ids, check_sample
from pixelwise.data.transforms import Augment, Size, augment, resize


class Batch(NamedTuple):
    """A training batch.

    Attributes:
        images: RGB, uint8 `[B, 3, H, W]`.
        labels: Class ids `[B, H, W]`, 0..K-1 or IGNORE.
    """

    images: Images
    labels: Labels


class TrainLoader:
    """Loader of augmented training batches, in rounds. A round is the batches between two validations.

    One permutation orders the samples of a round. The last batch of a round may be smaller.

    Args:
        dataset: The training split.
        augmentation: Augmentation of each sample.
        size: (H, W) that images are resized to before augmentation; None keeps the size of each image.
        batch_size: Number of images in a batch, at least 1.
        seed: Seed of the run.
        workers: Number of processes that prepare samples; 0 prepares them in this process. It changes no pixel.
        pin_memory: Whether batches are in pinned memory, for a fast copy to a CUDA device.
        epochs_per_round: Number of times that a round contains each sample, each time with another augmentation.
    """

    def __init__(
        self, dataset: SegmentationDataset, augmentation: Augment, size: Size | None, batch_size: int, seed: int,
        workers: int = 0, pin_memory: bool = False, epochs_per_round: int = 1,
    ) -> None:  # fmt: skip
        self._order = _Order(len(dataset) * (2 if augmentation.keep_plain else 1) * epochs_per_round, seed)
        self._loader = DataLoader(
            _Augmented(dataset, augmentation, size, seed), batch_size, sampler=self._order, num_workers=workers,
            persistent_workers=workers > 0, pin_memory=pin_memory, collate_fn=_stack, worker_init_fn=_quiet_worker,
            # A generator that nothing else uses: the loader draws a number from it whenever workers start. Drawn from
            # the global generator, that number would change dropout after a resume.
            generator=torch.Generator(),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self._loader)

    def round(self, number: int) -> Iterator[Batch]:
        """Iterates over the batches of a round.

        Args:
            number: Number of the round, from 1.

        Raises:
            DataError: A file cannot be used, or the images of a batch differ in size.
        """
        self._order.round = number
        yield from _unwrapped(self._loader)


def read_samples(dataset: SegmentationDataset, workers: int = 0) -> Iterator[Sample]:
    """Iterates over the samples of a split in the order of their indices, read ahead by worker processes.

    Raises:
        DataError: A file cannot be used, or a sample breaks the contract of a data set.
    """
    loader = DataLoader(
        _Plain(dataset), batch_size=None, num_workers=workers, worker_init_fn=_quiet_worker, generator=torch.Generator()
    )
    yield from _unwrapped(loader)


class _Order(Sampler[tuple[int, int]]):
    """Sampler of (round, index) pairs: persistent workers receive the round with every index."""

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed, self.round = length, seed, 0

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        number = self.round
        for index in generator(self.seed, number).permutation(self.length):
            yield number, int(index)


# DataLoader wraps an error of a worker process in the traceback of that process. Errors for the user are therefore
# passed as values and raised in the main process.

Item = TypeVar("Item")


def _unwrapped(items: Iterable[Item | PixelwiseError]) -> Iterator[Item]:
    """Iterates over items and raises the errors among them."""
    for item in items:
        if isinstance(item, PixelwiseError):
            try:
                raise item
            finally:
                del item  # a reference cycle of the error and this frame would keep the workers alive
        yield item


def _read(dataset: SegmentationDataset, index: int, *, check_labels: bool = False) -> Sample | PixelwiseError:
    """A sample, or the error that the user can correct.

    A training reads its split once before the first epoch, with a check of the labels; the epochs need no other.
    """
    try:
        sample = check_sample(dataset[index])
        if check_labels:
            check_class_ids(sample, dataset.label_space.num_classes)
        return sample
    except PixelwiseError as e:
        return e
    except Exception as e:
        if own := error_in_user_file(e):
            return own
        raise


class _ForWorkers(Dataset[Sample | PixelwiseError]):
    """Base of the data sets that worker processes read.

    A worker that is not forked unpickles its data set, whose class a file of the user may define.
    """

    def __reduce__(self) -> tuple[Callable[..., "_ForWorkers"], tuple[object, ...]]:
        return _unpickled, (user_files(), type(self), pickle.dumps(self.__dict__))


def _unpickled(files: dict[str, UserFile], kind: type[_ForWorkers], state: bytes) -> _ForWorkers:
    dataset = kind.__new__(kind)
    dataset.__dict__.update(_Unpickler(files, state).load())
    return dataset


class _Unpickler(pickle.Unpickler):
    """Imports the user's files that the pickled objects need, and no other."""

    def __init__(self, files: dict[str, UserFile], state: bytes) -> None:
        super().__init__(io.BytesIO(state))
        self.files = files

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name in self.files:
            import_user_file(module_name, self.files[module_name])
        return super().find_class(module_name, global_name)


class _Plain(_ForWorkers):
    def __init__(self, dataset: SegmentationDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Sample | PixelwiseError:
        return _read(self.dataset, index, check_labels=True)


class _Augmented(_ForWorkers):
    def __init__(self, dataset: SegmentationDataset, augmentation: Augment, size: Size | None, seed: int) -> None:
        self.dataset, self.augmentation, self.size, self.seed = dataset, augmentation, size, seed

    def __getitem__(self, key: tuple[int, int]) -> Sample | PixelwiseError:
        number, index = key
        # With `keep_plain`, every second copy of the split is unchanged.
        plain = self.augmentation.keep_plain and index // len(self.dataset) % 2 == 1
        sample = _read(self.dataset, index % len(self.dataset))
        if isinstance(sample, PixelwiseError):
            return sample
        image, labels, name = sample
        if self.size:
            image, labels = resize(image, labels, self.size)
        if plain:
            return Sample(image, labels, name)
        image, labels = augment(image, labels, self.augmentation, generator(self.seed, number, index))
        return Sample(image, labels, name)


def _stack(samples: Sequence[Sample | PixelwiseError]) -> Batch | PixelwiseError:
    for failed in samples:
        if isinstance(failed, PixelwiseError):
            return failed
    good = [s for s in samples if isinstance(s, Sample)]
    first, *others = good
    for other in others:
        if other.image.shape != first.image.shape:
            a, b = (f"{s.id} ({s.image.shape[2]}x{s.image.shape[1]})" for s in (first, other))
            return DataError(
                f"{a} and {b} differ in size and cannot be in one batch: set a common size"
                " (--set image_size=[H,W]) or a crop (--set augment.crop=[H,W])."
            )
    return Batch(torch.stack([s.image for s in good]), torch.stack([s.labels for s in good]))


def _quiet_worker(_: int) -> None:
    """Prepares a worker process. It ignores Ctrl-C, which reaches every process: the main process handles it."""
    gc.freeze()  # a worker must not collect garbage of the main process, such as a loader with its queues
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
