"""What came out: the schema of a run folder. No other file spells its names.

======================  ==============================================================================
experiment.json         what was asked, and the schema's version
environment.json        machine, versions, thread count, precision, data root, statistics of the data
history.jsonl           one line for each finished epoch
last.safetensors        weights and optimiser after the last finished epoch; its header holds the rest
best.safetensors        weights of the best epoch so far
result.json             scores of each judged split, with its confusion matrix; those by several views apart
confusion_<split>.npz   one confusion matrix for each image of the split; `<split>+<views>` by several views
curves.png  overlays/   pictures
log.txt                 what was printed
tensorboard/            events, where they were asked for
report.html  report/    the page of `pixelwise report`, and its pictures
exports/                what `pixelwise export` wrote
======================  ==============================================================================
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int64
from pydantic import ValidationError

from pixelwise.core.errors import RunError
from pixelwise.core.files import cannot_write, new_folder, write_atomic, write_text
from pixelwise.core.spec import SpecT
from pixelwise.scores import EpochRecord, SplitResult

VERSION = 6
"""Version of the schema that this code writes; a newer one is refused. 2 added the images of an epoch, official scores
and groups of classes, 3 `fit.compile`, 4 the memory of an epoch, 5 results by several views and more ways to train;
older files simply lack them. 6 added the interval of the mean IoU, and took `augment.balance` away."""


class Run:
    """A run folder. Making one writes nothing; `create` and `open` do the checks."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(cls, path: Path, experiment_json: str, environment: Mapping[str, Any]) -> Self:
        """Starts a run in a new or empty folder.

        Raises:
            RunError: The folder is not empty or cannot be written to.
        """
        new_folder(path, "a run")
        run = cls(path)
        write_text(run.path / "environment.json", _pretty(environment))
        # Written last: a folder with an experiment.json is a run.
        asked = {"version": VERSION, "experiment": json.loads(experiment_json)}
        write_text(run.path / "experiment.json", _pretty(asked))
        return run

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Takes an existing run.

        Raises:
            RunError: No run lies there, it is damaged, or a newer version wrote it.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise RunError(f"there is no run folder {run.path}; give the folder that `pixelwise train` printed.")
        run.experiment_json()
        return run

    @staticmethod
    def new_path(root: Path, name: str, seed: int) -> Path:
        """Where the next run of an experiment goes: `<root>/<name>/<time>_seed<n>`."""
        stem = f"{datetime.now():%Y%m%d-%H%M%S}_seed{seed}"
        paths = (root / name / (stem + suffix) for suffix in ("", *(f"_{i}" for i in range(2, 1000))))
        return next(path for path in paths if not path.exists())

    @property
    def last(self) -> Path:
        """Weights and optimiser after the last finished epoch."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def curves(self) -> Path:
        """The picture of the history."""
        return self.path / "curves.png"

    @property
    def overlays(self) -> Path:
        """Folder of pictures of predictions."""
        return self.path / "overlays"

    def sheet(self, split: str, views: str = "") -> Path:
        """The picture of a split's predictions. The folder beside it, without its ending, holds single ones."""
        return self.overlays / f"{_stem(split, views)}.png"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        """What was printed."""
        return self.path / "log.txt"

    def records(self) -> list[Path]:
        """The files that prove the run's numbers: all of them texts.

        Raises:
            RunError: One is missing.
        """
        files = [self.path / n for n in ("experiment.json", "environment.json", "history.jsonl", "result.json")]
        for file in files:
            if not file.is_file():
                raise RunError(f"{self.path} is not a complete run folder: it has no {file.name}.")
        return files

    def experiment_json(self) -> str:
        """What was asked, as JSON of today's schema."""
        return json.dumps(self._read("experiment.json")["experiment"])

    def environment(self) -> dict[str, Any]:
        """Where it ran."""
        return self._read("environment.json")

    def stored(self, key: str, kind: type[SpecT]) -> SpecT:
        """A part of the environment that later commands compute with.

        Raises:
            RunError: It is missing or damaged.
        """
        part = self.environment().get(key)
        if part is None:
            raise RunError(f"{self.path} is not a complete run folder: environment.json has no {key}.")
        try:
            return kind.model_validate(part)
        except ValidationError:
            raise RunError(f"{self.path / 'environment.json'} is damaged: '{key}' is not what a run writes.") from None

    def history(self) -> list[EpochRecord]:
        """The finished epochs. A last line that was cut off by a crash is left out."""
        file = self.path / "history.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(EpochRecord.model_validate_json(line))
            except ValidationError:
                if number < len(lines):
                    raise RunError(f"{file}, line {number}, is damaged.") from None
        return records

    def append_history(self, record: EpochRecord) -> None:
        """Adds a finished epoch."""
        file = self.path / "history.jsonl"
        try:
            with file.open("a", encoding="utf-8") as lines:
                lines.write(record.model_dump_json() + "\n")
        except OSError as e:
            raise cannot_write(file, e) from None

    def keep_history(self, epochs: int) -> None:
        """Drops what was written after the checkpoint of epoch `epochs`, by a run that was killed just then."""
        kept = "".join(r.model_dump_json() + "\n" for r in self.history() if r.epoch <= epochs)
        write_text(self.path / "history.jsonl", kept)

    def results(self) -> dict[str, SplitResult]:
        """Split -> scores, for the splits that were judged by one look at each image."""
        return self._results("splits")

    def view_results(self) -> dict[str, SplitResult]:
        """Name -> scores by several views. They are not among `results`: no score is taken for what it is not."""
        return self._results("views")

    def _results(self, part: str) -> dict[str, SplitResult]:
        if not (self.path / "result.json").is_file():
            return {}
        try:
            return {k: SplitResult.model_validate(v) for k, v in self._read("result.json").get(part, {}).items()}
        except ValidationError:
            raise RunError(f"{self.path / 'result.json'} is damaged; judge the run again to replace it.") from None

    def add_result(self, result: SplitResult, ids: Sequence[str], matrices: Int64[np.ndarray, "N K K"]) -> None:
        """Stores scores and per-image confusion matrices; an earlier judgement of the same name is replaced."""
        parts = {"splits": self.results(), "views": self.view_results()}
        parts["views" if result.views else "splits"][result.name] = result
        write_atomic(
            self._counts(result.split, result.views),
            lambda temp: np.savez_compressed(temp, ids=np.array(ids), matrices=matrices),
        )
        content = {part: {k: r.model_dump(mode="json") for k, r in found.items()} for part, found in parts.items()}
        write_text(self.path / "result.json", _pretty({"version": VERSION, **content}))

    def per_image(self, split: str, views: str = "") -> tuple[list[str], Int64[np.ndarray, "N K K"]]:
        """Ids and confusion matrices of a judged split's images.

        Args:
            split: Which one.
            views: Those that it was judged by, as `SplitResult` has them.

        Raises:
            RunError: The split was not judged so, or what was stored is damaged.
        """
        file, judged = self._counts(split, views), f"'{split}'{views and f' by {views}'}"
        if not file.is_file():
            raise RunError(f"{self.path} holds no judgement of {judged}; run `pixelwise evaluate` on it first.")
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
                return stored["ids"].tolist(), stored["matrices"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            raise RunError(f"{file} is damaged; run `pixelwise evaluate` on {judged} again to replace it.") from None

    def _counts(self, split: str, views: str) -> Path:
        return self.path / f"confusion_{_stem(split, views)}.npz"

    def _read(self, name: str) -> dict[str, Any]:
        file = self.path / name
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a complete run folder: it has no {name}.") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise RunError(f"{file} is damaged: it is not JSON.") from None
        return _migrate(content, file)


def _stem(split: str, views: str) -> str:
    """How the files of a judgement are called: `test`, or `test+flip+scales-0.75-1`."""
    return "+".join([split, *(words.replace(" ", "-") for words in views.split(", "))]) if views else split


def _migrate(content: Any, file: Path) -> dict[str, Any]:
    """Brings a file's content to today's schema. What was added has defaults; what was taken away must be unused."""
    version = content.get("version", 1) if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise RunError(f"{file} is damaged: it is not part of a run.")
    if version > VERSION:
        raise RunError(f"{file} has schema version {version}, newer than this pixelwise reads ({VERSION}): upgrade.")
    if version < 6:
        match content:
            case {"experiment": {"augment": {"balance": 0} as augment}}:
                del augment["balance"]
    return dict(content)


def _pretty(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
