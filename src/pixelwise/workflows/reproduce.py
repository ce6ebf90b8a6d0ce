"""Reproduction of a report: trains and evaluates its systems, and compares the results with the published ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from pixelwise import recipes
from pixelwise.core.errors import DatasetNotFound, Interrupted, InvalidSpec
from pixelwise.core.files import make_folder, write_text
from pixelwise.core.progress import console
from pixelwise.data import DataSpec, find_data_root
from pixelwise.experiment import Experiment
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.reporting.pages import html, markdown
from pixelwise.reporting.published import PublishedSplit, published
from pixelwise.reporting.reproduction import Picture, Reproduction, SystemRun, compare_with_published
from pixelwise.run import Run
from pixelwise.training.checkpoint import stored_state
from pixelwise.training.loop import resume, train
from pixelwise.viz.qualitative import save_class_iou, save_systems
from pixelwise.workflows.reproduction_plan import FILES, PICTURES, Values, plan, runs_in
from pixelwise.workflows.stored_results import result_of

SHOWN = 3
"""Number of images whose predictions by all systems are shown."""


class ReproductionOutput(NamedTuple):
    """Result of `reproduce`.

    Attributes:
        result: The table.
        folder: Folder of the table as Markdown, HTML and JSON, and of each system's run.
    """

    result: Reproduction
    folder: Path

    @property
    def files(self) -> list[Path]:
        """The table as Markdown, as a self-contained HTML page, and as JSON."""
        return [self.folder / name for name in FILES]


def reproduce(
    key: str,
    systems: Sequence[str] = (),
    values: Values | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | str | None = None,
) -> ReproductionOutput:
    """Trains and evaluates the systems of a report, and writes its table with the published and the measured numbers.

    A system whose run is finished is not trained again; one that was interrupted is continued. The table is written
    after each system, with all finished runs of the folder.

    Args:
        key: Key of the report.
        systems: Names of systems; empty takes all systems in the report's tables.
        values: Dotted path -> text, see `Spec.with_values`. A change applies to every system that has its field.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        out: Folder of the result, with the run of each system in `<out>/<system>`; None takes
            `runs/reproduce/<report>`.

    Raises:
        InvalidSpec: A report, system, field, split or device that does not exist, a value that does not fit, or weights
            that are not available. Nothing was trained.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
        RunError: The folder contains something else or a run with other settings, or a loss became infinite.
        Interrupted: Ctrl-C; the same call continues.
    """
    root, folder = find_data_root(data_root), Path(out) if out else Path("runs", "reproduce", key)
    experiments, existing = plan(key, systems, values or {}, root, folder)
    reproduction = _Reproduction(key, folder, next(iter(experiments.values())).data, root)
    for number, (name, experiment) in enumerate(experiments.items(), 1):
        console.print(f"{key}/{name}: system {number} of {len(experiments)}", markup=False)
        run = existing.get(name)
        finished = run is not None and _is_finished(run)
        if not finished:
            reproduction.train(name, experiment, run)
        if not finished or number == len(experiments):
            result = reproduction.write()
    return ReproductionOutput(result, folder)


class _Reproduction:
    """Folder of a reproduction, with the predictions of the shown images.

    Args:
        key: Key of the report.
        folder: The folder.
        data: Data set of all systems.
        root: Folder of the data sets.
    """

    def __init__(self, key: str, folder: Path, data: DataSpec, root: Path) -> None:
        self._key, self._report, self._folder, self._data, self._root = key, published()[key], folder, data, root
        splits = next(iter(self._report.systems.values())).scores
        self._evaluated_split = {split: _evaluated_split(data, split, root) for split in splits}
        dataset = data.build(self._evaluated_split[self._report.split], root)
        # Evenly spaced over the split, so that the choice does not depend on the predictions.
        indices = dict.fromkeys(np.linspace(0, len(dataset) - 1, SHOWN + 2)[1:-1].round().astype(int).tolist())
        self._samples = [dataset[index] for index in indices]
        self._images = [sample.image.permute(1, 2, 0).numpy() for sample in self._samples]
        self._predictions: dict[str, list[UInt8[np.ndarray, "_ _"]]] = {}

    def train(self, name: str, experiment: Experiment, run: Run | None) -> None:
        """Trains a system, or continues its run."""
        try:
            if run:
                resume(run, data_root=self._root)
            else:
                train(experiment, data_root=self._root, out=self._folder / name)
        except Interrupted:
            raise Interrupted(
                f"interrupted in {self._key}/{name}; its finished epochs and the systems before it are saved."
                " The same command continues."
            ) from None

    def write(self) -> Reproduction:
        """Writes the table of all finished runs in the folder, after evaluating those that are not evaluated yet."""
        finished = {name: run for name, run in runs_in(self._folder, self._key).items() if _is_finished(run)}
        for name, run in finished.items():
            self._evaluate(name, run)
        recipe = {name: recipes.get(f"{self._key}/{name}").model_dump(mode="json") for name in finished}
        runs = [SystemRun(name, run, recipe[name], self._evaluated_split) for name, run in finished.items()]
        result = compare_with_published(self._key, self._report, runs, self._folder)
        result = result.replace(pictures=tuple(self._draw(result)))
        texts = markdown(result), html(result, self._folder), result.to_json() + "\n"
        for name, text in zip(FILES, texts, strict=True):
            write_text(self._folder / name, text)
        return result

    def _evaluate(self, name: str, run: Run) -> None:
        """Evaluates the best checkpoint of a run on the report's splits, and predicts the shown images."""
        options = InferenceOptions(device=run.experiment.fit.device)
        for split in dict.fromkeys(self._evaluated_split.values()):
            result_of(run, split, data_root=self._root, options=options)
        if name not in self._predictions:
            predictor = Predictor.load(run, options)
            self._predictions[name] = [predictor(image) for image in self._images]

    def _draw(self, result: Reproduction) -> list[Picture]:
        make_folder(self._folder / PICTURES)
        split, space = self._evaluated_split[self._report.split], self._data.label_space
        reported = self._report.classes
        classes = reported if reported and set(reported) <= set(space.names) else space.names
        measured = {row.system: {name: row.iou[name] for name in classes} for row in result.measured}
        printed = {name: system.scores[self._report.split] for name, system in self._report.systems.items()}
        chart = Picture(caption=f"IoU by class on {split}", file=f"{PICTURES}/classes.png")
        save_class_iou(measured, printed, self._folder / chart.file, title=f"{self._key}: IoU by class on {split}")
        pictures = [chart]
        for number, (sample, image) in enumerate(zip(self._samples, self._images, strict=True)):
            picture = Picture(caption=f"{sample.id} of {split}", file=f"{PICTURES}/image_{number + 1}.png")
            predicted = {row.system: self._predictions[row.system][number] for row in result.measured}
            labels = sample.labels.numpy().astype(np.uint8)
            save_systems(image, labels, predicted, space, self._folder / picture.file)
            pictures.append(picture)
        return pictures


def _evaluated_split(data: DataSpec, split: PublishedSplit, root: Path) -> str:
    """Split that is evaluated in place of a published one: test if it is available, else the validation split."""
    if split == "test":
        try:
            data.build(split, root)
        except (DatasetNotFound, InvalidSpec):
            return data.val_split  # the table lists this difference
        return split
    return data.val_split


def _is_finished(run: Run) -> bool:
    """Whether the training is complete: its state is that of the end, and its last figure was drawn."""
    experiment, state = run.experiment, stored_state(run)
    if state is None:
        return False
    epochs = experiment.fit.epochs
    complete = state.stopped or (epochs is not None and state.epoch >= epochs)
    return complete and run.sheet(experiment.data.val_split).is_file()
