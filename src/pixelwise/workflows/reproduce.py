"""A published report once more: every system trained, evaluated, and put beside what the report says of it."""

import json
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
from pixelwise.evaluation.evaluate import evaluate
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

SHOWN = 3
"""Images that every system is shown on."""


class Reproduced(NamedTuple):
    """What came out, and where.

    Attributes:
        result: The table.
        folder: Holds it as Markdown, as a page by itself and as JSON, and each system's run.
    """

    result: Reproduction
    folder: Path

    @property
    def files(self) -> list[Path]:
        """The result as Markdown, as a page by itself, and as JSON."""
        return [self.folder / name for name in FILES]


def reproduce(
    key: str,
    systems: Sequence[str] = (),
    values: Values | None = None,
    *,
    data_root: Path | str | None = None,
    out: Path | str | None = None,
) -> Reproduced:
    """Trains a report's systems one after the other, evaluates them, and writes its table with both numbers.

    A system whose run is finished is not trained again, one that was interrupted goes on. The table is written after
    each system, with all finished runs of the folder.

    Args:
        key: The report's.
        systems: Which ones; none named are all that the report prints numbers of.
        values: Dotted path -> text, see `Spec.with_values`. A change is made to every system that has its field; one
            whose field no system has is an error.
        data_root: See `find_data_root`.
        out: Folder of the result; each system's run lies in `<out>/<system>`. None takes `runs/reproduce/<report>`.

    Raises:
        InvalidSpec: There is no such report, system or field, or a value, split or device does not fit, or weights
            cannot be had. Nothing was trained then.
        DatasetNotFound: The data is not there.
        DataError: A file cannot be used.
        RunError: The folder holds something else, a run in it was asked something else, or a loss became infinite.
        Interrupted: Ctrl-C; the same command goes on.
    """
    root, folder = find_data_root(data_root), Path(out) if out else Path("runs", "reproduce", key)
    asked, begun = plan(key, systems, values or {}, root, folder)
    study = _Study(key, folder, next(iter(asked.values())).data, root)
    for number, (name, experiment) in enumerate(asked.items(), 1):
        console.print(f"{key}/{name}: system {number} of {len(asked)}", markup=False)
        run = begun.get(name)
        done = run is not None and _is_done(run)
        if not done:
            study.train(name, experiment, run)
        if not done or number == len(asked):
            result = study.write()
    return Reproduced(result, folder)


class _Study:
    """The folder of a reproduction, and what was predicted for its pictures."""

    def __init__(self, key: str, folder: Path, data: DataSpec, root: Path) -> None:
        self._key, self._report, self._folder, self._data, self._root = key, published()[key], folder, data, root
        splits = next(iter(self._report.systems.values())).scores
        self._judged = {split: _judged(data, split, root) for split in splits}
        dataset = data.build(self._judged[self._report.split], root)
        # Evenly spaced: no look at the predictions chooses them.
        indices = dict.fromkeys(np.linspace(0, len(dataset) - 1, SHOWN + 2)[1:-1].round().astype(int).tolist())
        self._samples = [dataset[index] for index in indices]
        self._images = [sample.image.permute(1, 2, 0).numpy() for sample in self._samples]
        self._predictions: dict[str, list[UInt8[np.ndarray, "_ _"]]] = {}

    def train(self, name: str, experiment: Experiment, run: Run | None) -> None:
        """Trains a system, or goes on with its run."""
        try:
            if run:
                resume(run, data_root=self._root)
            else:
                train(experiment, data_root=self._root, out=self._folder / name)
        except Interrupted:
            raise Interrupted(
                f"interrupted in {self._key}/{name}; its finished epochs and the systems before it are safe."
                " Go on with the same command."
            ) from None

    def write(self) -> Reproduction:
        """Makes the result from all finished runs of the folder, evaluated where they were not."""
        found = {name: run for name, run in runs_in(self._folder, self._key).items() if _is_done(run)}
        for name, run in found.items():
            self._judge(name, run)
        recipe = {name: json.loads(recipes.get(f"{self._key}/{name}").to_json()) for name in found}
        runs = [SystemRun(name, run, recipe[name], self._judged) for name, run in found.items()]
        result = compare_with_published(self._key, self._report, runs, self._folder)
        result = result.replace(pictures=tuple(self._draw(result)))
        texts = markdown(result), html(result, self._folder), result.to_json() + "\n"
        for name, text in zip(FILES, texts, strict=True):
            write_text(self._folder / name, text)
        return result

    def _judge(self, name: str, run: Run) -> None:
        """Evaluates a run's best epoch on what the report evaluated, and predicts the images that are shown."""
        device = run.experiment.fit.device
        best = [record.epoch for record in run.history() if record.best][-1]
        for split in dict.fromkeys(self._judged.values()):
            evaluated = run.results().get(split)
            if evaluated is None or evaluated.epoch != best:
                evaluate(run, split, data_root=self._root, options=InferenceOptions(device=device))
        if name not in self._predictions:
            predictor = Predictor.load(run, InferenceOptions(device=device))
            self._predictions[name] = [predictor(image) for image in self._images]

    def _draw(self, result: Reproduction) -> list[Picture]:
        make_folder(self._folder / PICTURES)
        split, space = self._judged[self._report.split], self._data.label_space
        listed = self._report.classes
        classes = listed if listed and set(listed) <= set(space.names) else space.names
        measured = {row.system: {name: row.iou[name] for name in classes} for row in result.measured}
        printed = {name: system.scores[self._report.split] for name, system in self._report.systems.items()}
        chart = Picture(caption=f"IoU by class on {split}", file=f"{PICTURES}/classes.png")
        save_class_iou(measured, printed, self._folder / chart.file, title=f"{self._key}: IoU by class on {split}")
        drawn = [chart]
        for number, (sample, image) in enumerate(zip(self._samples, self._images, strict=True)):
            picture = Picture(caption=f"{sample.id} of {split}", file=f"{PICTURES}/image_{number + 1}.png")
            predicted = {row.system: self._predictions[row.system][number] for row in result.measured}
            labels = sample.labels.numpy().astype(np.uint8)
            save_systems(image, labels, predicted, space, self._folder / picture.file)
            drawn.append(picture)
        return drawn


def _judged(data: DataSpec, split: PublishedSplit, root: Path) -> str:
    """The split that stands for a published one: test where it is at hand, else the validation split."""
    if split == "test":
        try:
            data.build(split, root)
        except (DatasetNotFound, InvalidSpec):
            return data.val_split  # the table says so
        return split
    return data.val_split


def _is_done(run: Run) -> bool:
    """Whether nothing is left to train: the loop's own state says so, and its last picture is there."""
    experiment, state = run.experiment, stored_state(run)
    if state is None:
        return False
    epochs = experiment.fit.epochs
    finished = state.stopped or (epochs is not None and state.epoch >= epochs)
    return finished and run.sheet(experiment.data.val_split).is_file()
