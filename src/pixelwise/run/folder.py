"""The run folder: file names and contents. No other module spells its file names.

======================  ==============================================================================
experiment.json         configuration of the training, and the version of the schema
environment.json        machine, library versions, precision, statistics of the training data
history.jsonl           one line per validation
last.safetensors        weights, optimizer and training state after the last validation
best.safetensors        weights of the best epoch so far
result.json             scores of each evaluated split, with its confusion matrix; under `inference`, scores with
                        test-time augmentation or sliding windows
confusion_<split>.npz   one confusion matrix per image of the split; `<split>+<inference>` for the latter
code/                   copies of the user's own components
curves.png  overlays/   figures
log.txt                 printed lines
tensorboard/            events, with `--track tensorboard`
report.html  report/    the page of `pixelwise report`, and its figures
exports/                output of `pixelwise export`
======================  ==============================================================================
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int64
from pydantic import ValidationError

from pixelwise.core.errors import RunError
from pixelwise.core.files import cannot_write, check_free, make_folder, write_atomic, write_bytes, write_text
from pixelwise.core.spec import code_folder
from pixelwise.data.statistics import Statistics
from pixelwise.experiment import Experiment
from pixelwise.metrics.scores import EpochRecord, SplitResult
from pixelwise.run.environment import Environment
from pixelwise.run.migrations import VERSION, migrate, migrate_history


class Run:
    """A run folder with typed contents. The constructor neither reads nor writes; `create` and `open` do the checks.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(cls, path: Path, experiment: Experiment, environment: Environment) -> Self:
        """Starts a run in a new or empty folder, or in that of a run of the same experiment without a checkpoint.

        Raises:
            RunError: The folder holds something else or cannot be written to.
        """
        run = cls(path)
        run.check_free(experiment)
        make_folder(run.path)
        for file in (run._history_file, run.log):  # of a run that is taken over
            file.unlink(missing_ok=True)
        for source in experiment.code_files():
            make_folder(run.code)
            write_bytes(run.code / source.name, source.read_bytes())
        write_text(run.path / "environment.json", _pretty(environment.model_dump(mode="json", exclude_none=True)))
        # Written last: a folder with an experiment.json is a run.
        content = {"version": VERSION, "experiment": json.loads(experiment.to_json())}
        write_text(run.path / "experiment.json", _pretty(content))
        return run

    @classmethod
    def open(cls, run: "Run | Path | str") -> Self:
        """Opens an existing run.

        Args:
            run: The run or its folder.

        Raises:
            RunError: The folder is not a run, is damaged, or was written by a newer version.
        """
        run = cls(run.path if isinstance(run, Run) else run)
        if not run.path.is_dir():
            raise RunError(f"there is no run folder {run.path}; give the folder that `pixelwise train` printed.")
        run._read("experiment.json")
        return run

    @staticmethod
    def new_path(root: Path, name: str, seed: int) -> Path:
        """Where the next run of an experiment goes: `<root>/<name>/<time>_seed<n>`."""
        stem = f"{datetime.now():%Y%m%d-%H%M%S}_seed{seed}"
        paths = (root / name / (stem + suffix) for suffix in ("", *(f"_{i}" for i in range(2, 1000))))
        return next(path for path in paths if not path.exists())

    @property
    def last(self) -> Path:
        """Weights, optimizer and training state after the last validation."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def curves(self) -> Path:
        """Figure of the history."""
        return self.path / "curves.png"

    @property
    def overlays(self) -> Path:
        """Folder of figures of predictions."""
        return self.path / "overlays"

    def sheet(self, split: str, inference: str = "") -> Path:
        """Contact sheet of a split's predictions. The folder of the same name without the suffix holds single images.

        Args:
            split: Name of the split.
            inference: See `SplitResult.inference`.
        """
        return self.overlays / f"{_stem(split, inference)}.png"

    @property
    def code(self) -> Path:
        """Folder of the user's own components."""
        return self.path / "code"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        """Log of the printed lines."""
        return self.path / "log.txt"

    def records(self) -> list[Path]:
        """The text files that prove the run's numbers.

        Raises:
            RunError: One is missing.
        """
        files = [self.path / n for n in ("experiment.json", "environment.json", "history.jsonl", "result.json")]
        for file in files:
            if not file.is_file():
                raise RunError(f"{self.path} is not a complete run folder: it has no {file.name}.")
        return files

    @cached_property
    def experiment(self) -> Experiment:
        """Configuration of the training. A user's own components are loaded from `code/`.

        Raises:
            RunError: experiment.json is missing or damaged.
            InvalidSpec: It holds unknown fields, or a component cannot be loaded.
        """
        with code_folder(self.code):
            return Experiment.from_json(json.dumps(self._read("experiment.json")["experiment"]))

    @cached_property
    def environment(self) -> Environment:
        """Machine and library versions.

        Raises:
            RunError: environment.json is missing or damaged.
        """
        content = self._read("environment.json")
        for key in ("machine", "statistics"):
            if key not in content:
                raise RunError(f"{self.path} is not a complete run folder: environment.json has no {key}.")
        try:
            return Environment.model_validate(content)
        except ValidationError as e:
            part = e.errors()[0]["loc"][0]
            raise RunError(f"{self.path / 'environment.json'} is damaged: '{part}' is not valid.") from None

    @property
    def statistics(self) -> Statistics:
        """Statistics of the training split."""
        return self.environment.statistics

    def check_free(self, experiment: Experiment | None = None) -> None:
        """Checks, without touching anything, that a run can start in this folder.

        A run of the same experiment that ended before its first checkpoint is taken over.

        Args:
            experiment: The experiment, once its data set is resolved; None leaves the comparison out.

        Raises:
            RunError: The folder holds something else or cannot be written to.
        """
        check_free(self.path, "a run", taken_over=self._has_no_checkpoint() and self._is_run_of(experiment))

    def _has_no_checkpoint(self) -> bool:
        return (self.path / "experiment.json").is_file() and not self.last.exists() and not self.best.exists()

    def _is_run_of(self, experiment: Experiment | None) -> bool:
        if experiment is None:
            return True
        stored: bool = self._read("experiment.json")["experiment"] == json.loads(experiment.to_json())
        return stored

    @property
    def _history_file(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def val_every(self) -> int:
        """Number of epochs between validations."""
        val_every: int = self._read("experiment.json")["experiment"]["fit"].get("val_every", 1)
        return val_every

    def history(self) -> list[EpochRecord]:
        """One record per validation. A last line that was cut off by a crash is left out.

        Raises:
            RunError: The file is damaged.
        """
        file = self._history_file
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(EpochRecord.model_validate_json(line))
            except ValidationError:
                if number < len(lines):
                    raise RunError(f"{file}, line {number}, is damaged.") from None
        return migrate_history(records, self.val_every) if records else []

    def append_history(self, record: EpochRecord) -> None:
        """Appends the record of a validation."""
        file = self._history_file
        try:
            with file.open("a", encoding="utf-8") as lines:
                lines.write(record.model_dump_json() + "\n")
        except OSError as e:
            raise cannot_write(file, e) from None

    def keep_history(self, epochs: int) -> None:
        """Drops records after epoch `epochs`, written by a run that was killed before it wrote the checkpoint."""
        kept = "".join(r.model_dump_json() + "\n" for r in self.history() if r.epoch <= epochs)
        write_text(self._history_file, kept)

    def results(self) -> dict[str, SplitResult]:
        """Split -> scores of plain predictions."""
        return self._results("splits")

    def inference_results(self) -> dict[str, SplitResult]:
        """Name -> scores with test-time augmentation or sliding windows; never mixed with the plain ones."""
        return self._results("inference")

    def all_results(self) -> dict[str, SplitResult]:
        """Name -> scores: those of plain predictions, then the others."""
        return self.results() | self.inference_results()

    def _results(self, part: str) -> dict[str, SplitResult]:
        if not (self.path / "result.json").is_file():
            return {}
        try:
            content = self._read("result.json", val_every=self.val_every)
            return {name: SplitResult.model_validate(value) for name, value in content.get(part, {}).items()}
        except ValidationError:
            raise RunError(f"{self.path / 'result.json'} is damaged; evaluate the run again to replace it.") from None

    def add_result(self, result: SplitResult, ids: Sequence[str], matrices: Int64[np.ndarray, "N K K"]) -> None:
        """Stores scores and the confusion matrix of each image; an earlier result of the same name is replaced."""
        parts = {"splits": self.results(), "inference": self.inference_results()}
        parts["inference" if result.inference else "splits"][result.name] = result
        write_atomic(
            self._counts(result.split, result.inference),
            lambda temp: np.savez_compressed(temp, ids=np.array(ids), matrices=matrices),
        )
        content = {part: {k: r.model_dump(mode="json") for k, r in found.items()} for part, found in parts.items()}
        write_text(self.path / "result.json", _pretty({"version": VERSION, **content}))

    def per_image(self, split: str, inference: str = "") -> tuple[list[str], Int64[np.ndarray, "N K K"]]:
        """Ids and confusion matrices of the images of an evaluated split.

        Args:
            split: Name of the split.
            inference: See `SplitResult.inference`.

        Raises:
            RunError: The split was not evaluated so, or the stored file is damaged.
        """
        file, name = self._counts(split, inference), f"'{split}'{inference and f' with {inference}'}"
        if not file.is_file():
            raise RunError(f"{self.path} holds no evaluation of {name}; run `pixelwise evaluate` on it first.")
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
                return stored["ids"].tolist(), stored["matrices"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            raise RunError(f"{file} is damaged; run `pixelwise evaluate` on {name} again to replace it.") from None

    def _counts(self, split: str, inference: str) -> Path:
        return self.path / f"confusion_{_stem(split, inference)}.npz"

    def _read(self, name: str, **context: int) -> dict[str, Any]:
        file = self.path / name
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a complete run folder: it has no {name}.") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise RunError(f"{file} is damaged: it is not JSON.") from None
        return migrate(content, file, **context)


def _stem(split: str, inference: str) -> str:
    """Stem of the files of a result: `test`, or `test+flip+scales-0.75-1`."""
    return "+".join([split, *(words.replace(" ", "-") for words in inference.split(", "))]) if inference else split


def _pretty(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
