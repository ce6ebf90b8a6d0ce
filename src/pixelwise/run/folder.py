"""The run folder: typed contents, read and written."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int64
from pydantic import ValidationError

from pixelwise.core.errors import RunError
from pixelwise.core.files import cannot_write, check_free, make_folder, write_atomic, write_bytes, write_text
from pixelwise.core.user_code import code_folder
from pixelwise.data.statistics import Statistics
from pixelwise.experiment import Experiment
from pixelwise.metrics.scores import EpochRecord, SplitResult
from pixelwise.run.environment import Environment
from pixelwise.run.files import RunFiles
from pixelwise.run.migrations import VERSION, migrate, migrate_history


class Run(RunFiles):
    """A run folder with typed contents. The constructor neither reads nor writes; `create` and `open` do the checks.

    Args:
        path: The folder.
    """

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
        for file in (run.history_file, run.log):  # of a run that is taken over
            file.unlink(missing_ok=True)
        for source in experiment.code_files():
            make_folder(run.code)
            write_bytes(run.code / source.path.name, source.content)
        write_text(run.environment_file, _pretty(environment.model_dump(mode="json", exclude_none=True)))
        # Written last: a folder with an experiment.json is a run.
        content = {"version": VERSION, "experiment": json.loads(experiment.to_json())}
        write_text(run.experiment_file, _pretty(content))
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
        run._read(run.experiment_file)
        return run

    def records(self) -> list[Path]:
        """The text files that prove the run's numbers.

        Raises:
            RunError: One is missing.
        """
        files = [self.experiment_file, self.environment_file, self.history_file, self.result_file]
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
            return Experiment.from_json(json.dumps(self._read(self.experiment_file)["experiment"]))

    @cached_property
    def environment(self) -> Environment:
        """Machine and library versions.

        Raises:
            RunError: environment.json is missing or damaged.
        """
        content = self._read(self.environment_file)
        for key in ("machine", "statistics"):
            if key not in content:
                raise RunError(f"{self.path} is not a complete run folder: environment.json has no {key}.")
        try:
            return Environment.model_validate(content)
        except ValidationError as e:
            part = e.errors()[0]["loc"][0]
            raise RunError(f"{self.environment_file} is damaged: '{part}' is not valid.") from None

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
        return self.experiment_file.is_file() and not self.last.exists() and not self.best.exists()

    def _is_run_of(self, experiment: Experiment | None) -> bool:
        if experiment is None:
            return True
        stored: bool = self._read(self.experiment_file)["experiment"] == json.loads(experiment.to_json())
        return stored

    @property
    def val_every(self) -> int:
        """Number of epochs between validations."""
        val_every: int = self._read(self.experiment_file)["experiment"]["fit"].get("val_every", 1)
        return val_every

    def history(self) -> list[EpochRecord]:
        """One record per validation. A last line that was cut off by a crash is left out.

        Raises:
            RunError: The file is damaged.
        """
        file = self.history_file
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
        file = self.history_file
        try:
            with file.open("a", encoding="utf-8") as lines:
                lines.write(record.model_dump_json() + "\n")
        except OSError as e:
            raise cannot_write(file, e) from None

    def keep_history(self, epochs: int) -> None:
        """Drops records after epoch `epochs`, written by a run that was killed before it wrote the checkpoint."""
        kept = "".join(r.model_dump_json() + "\n" for r in self.history() if r.epoch <= epochs)
        write_text(self.history_file, kept)

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
        if not self.result_file.is_file():
            return {}
        try:
            content = self._read(self.result_file, val_every=self.val_every)
            return {name: SplitResult.model_validate(value) for name, value in content.get(part, {}).items()}
        except ValidationError:
            raise RunError(f"{self.result_file} is damaged; evaluate the run again to replace it.") from None

    def add_result(self, result: SplitResult, ids: Sequence[str], matrices: Int64[np.ndarray, "N K K"]) -> None:
        """Stores scores and the confusion matrix of each image; an earlier result of the same name is replaced."""
        parts = {"splits": self.results(), "inference": self.inference_results()}
        parts["inference" if result.inference else "splits"][result.name] = result
        write_atomic(
            self.counts_file(result.split, result.inference),
            lambda temp: np.savez_compressed(temp, ids=np.array(ids), matrices=matrices),
        )
        content = {part: {k: r.model_dump(mode="json") for k, r in found.items()} for part, found in parts.items()}
        write_text(self.result_file, _pretty({"version": VERSION, **content}))

    def per_image(self, split: str, inference: str = "") -> tuple[list[str], Int64[np.ndarray, "N K K"]]:
        """Ids and confusion matrices of the images of an evaluated split.

        Args:
            split: Name of the split.
            inference: See `SplitResult.inference`.

        Raises:
            RunError: The split was not evaluated so, or the stored file is damaged.
        """
        file, name = self.counts_file(split, inference), f"'{split}'{inference and f' with {inference}'}"
        if not file.is_file():
            raise RunError(f"{self.path} holds no evaluation of {name}; run `pixelwise evaluate` on it first.")
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
                return stored["ids"].tolist(), stored["matrices"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            raise RunError(f"{file} is damaged; run `pixelwise evaluate` on {name} again to replace it.") from None

    def _read(self, file: Path, **context: int) -> dict[str, Any]:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a complete run folder: it has no {file.name}.") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise RunError(f"{file} is damaged: it is not JSON.") from None
        return migrate(content, file, **context)


def _pretty(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
