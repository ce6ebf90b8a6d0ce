"""Prediction of image files: label files and overlays. Threads read and write while the network computes."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image as PilImage

from pixelwise.core.errors import DataError
from pixelwise.core.files import check_free, make_folder
from pixelwise.core.label_space import LabelSpace
from pixelwise.core.progress import track
from pixelwise.data.files import list_images
from pixelwise.data.images import IMAGE_SUFFIXES, label_picture, read_image, write_png
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.parallel import map_ordered
from pixelwise.inference.predictor import Predictor
from pixelwise.run import Run
from pixelwise.viz.overlay import overlay, with_legend

THREADS = 4
"""Threads that read and write; the same number of images is queued before and after the network."""
Pixels = UInt8[np.ndarray, "H W 3"]
Classes = UInt8[np.ndarray, "H W"]
Item = TypeVar("Item")


class Prediction(NamedTuple):
    """Files written for an image."""

    image: Path
    labels: Path
    overlay: Path | None


class Broken(NamedTuple):
    """An image that could not be read, and the reason in one sentence."""

    image: Path
    why: str


class Predictions(NamedTuple):
    """Outcome of a prediction of files.

    Attributes:
        written: The predicted images, with the files written for each.
        broken: The images that could not be read; nothing was written for them.
        seconds: Wall time of reading, predicting and writing, without loading the network.
        inference: See `InferenceOptions.text`.
    """

    written: list[Prediction]
    broken: list[Broken]
    seconds: float
    inference: str = ""

    @property
    def speed(self) -> str:
        """Number of written images, duration and inference options, in words."""
        count = len(self.written)
        rate = count / max(self.seconds, 1e-9)
        words = f"{count} image{'s' * (count != 1)} in {self.seconds:.1f} s ({rate:.1f} images/s)"
        return f"{words}; {self.inference}" if self.inference else words


def predict(
    run: Run | Path | str,
    paths: Iterable[Path | str],
    out: Path | str,
    *,
    options: InferenceOptions = InferenceOptions(),
    overlays: bool = True,
    data_root: Path | str | None = None,
) -> Predictions:
    """Predicts image files and folders of them. An image that cannot be read does not stop the others.

    A folder is searched with its subfolders, whose structure is kept; hidden files are skipped. For each image, at its
    own size as displayed, `out/labels/….png` holds the raw ids with the data set's palette, `out/overlays/….png` the
    overlay with a legend.

    Args:
        run: The run whose best checkpoint predicts.
        paths: Image files and folders.
        out: A new or empty folder.
        options: How predictions are computed.
        overlays: Whether to write overlays, which take longer to write than labels.
        data_root: Folder of the training images, for `int8`; None takes PIXELWISE_DATA, else ./data.

    Returns:
        The written files, and the images that could not be read (`broken`).

    Raises:
        RunError: The run cannot be used, or `out` is not empty or cannot be written to.
        DataError: A path does not exist or holds no image, or two images would share a name.
        InvalidSpec: The device is not there, the backend cannot be used, or the network takes no such windows.
    """
    targets = _targets([Path(p) for p in paths])
    predictor = Predictor.load(run, options, data_root=data_root, bulk=len(targets) > 1)
    out = Path(out)
    check_free(out, "a prediction")
    done = Predictions([], [], 0, options.text)
    start = time.perf_counter()

    def predicted(read: Future[Pixels]) -> tuple[Pixels, Classes] | DataError:
        try:
            pixels = read.result()
        except DataError as e:
            return e
        return pixels, predictor(pixels)

    with ThreadPoolExecutor(THREADS) as pool:
        found = map_ordered(predicted, _ahead(pool, _pixels, targets.values()), predictor.parallel_calls)
        writing: deque[Future[Prediction]] = deque()
        for (name, source), result in zip(track(targets.items(), "predicting"), found, strict=True):
            if isinstance(result, DataError):
                done.broken.append(Broken(source, str(result)))
                continue
            files = Prediction(source, out / "labels" / name, out / "overlays" / name if overlays else None)
            writing.append(pool.submit(_write, files, *result, predictor.label_space))
            if len(writing) > THREADS:
                done.written.append(writing.popleft().result())
        done.written.extend(written.result() for written in writing)
    return done._replace(seconds=time.perf_counter() - start)


def _ahead(pool: ThreadPoolExecutor, work: Callable[[Path], Item], files: Iterable[Path]) -> Iterator[Future[Item]]:
    """Futures of the work on each file, in order; at most `THREADS` are started ahead."""
    begun: deque[Future[Item]] = deque()
    for file in files:
        begun.append(pool.submit(work, file))
        if len(begun) > THREADS:
            yield begun.popleft()
    yield from begun


def _pixels(file: Path) -> Pixels:
    pixels: Pixels = read_image(file).permute(1, 2, 0).numpy()
    return pixels


def _write(files: Prediction, pixels: Pixels, classes: Classes, space: LabelSpace) -> Prediction:
    try:
        make_folder(files.labels.parent)
        write_png(files.labels, label_picture(classes, space))
        if files.overlay:
            make_folder(files.overlay.parent)
            blended = with_legend(overlay(pixels, classes, space), classes, space)
            write_png(files.overlay, PilImage.fromarray(blended))
    except BaseException:  # on a full disk or Ctrl-C, an image has both files or none
        for file in (files.labels, files.overlay):
            if file:
                file.unlink(missing_ok=True)
        raise
    return files


def _targets(paths: Sequence[Path]) -> dict[Path, Path]:
    """Name of the output below its folder -> image file. A file that is given twice is predicted once.

    Raises:
        DataError: A path does not exist or holds no image, or two images would share a name.
    """
    targets: dict[Path, Path] = {}
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110  # Path's own raises where a name is too long
            raise DataError(f"{path}: there is no such file or folder.")
        files = list_images(path) if path.is_dir() else {_stem(path): path}
        for stem, file in files.items():
            name = Path(f"{stem}.png")
            if targets.setdefault(name, file) != file:
                raise DataError(
                    f"{targets[name]} and {file} would both become {name}; rename one of them, or predict it alone into"
                    " another --out."
                )
    return targets


def _stem(file: Path) -> str:
    """A file's name without the suffix of an image; other dots are kept: they may number frames."""
    return file.stem if file.suffix.lower() in IMAGE_SUFFIXES else file.name
