"""File names of a run folder. No other package spells them.

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

from datetime import datetime
from pathlib import Path


class RunFiles:
    """Paths of the files of a run folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @staticmethod
    def new_path(root: Path, name: str, seed: int) -> Path:
        """Where the next run of an experiment goes: `<root>/<name>/<time>_seed<n>`."""
        stem = f"{datetime.now():%Y%m%d-%H%M%S}_seed{seed}"
        paths = (root / name / (stem + suffix) for suffix in ("", *(f"_{i}" for i in range(2, 1000))))
        return next(path for path in paths if not path.exists())

    @property
    def experiment_file(self) -> Path:
        """Configuration of the training."""
        return self.path / "experiment.json"

    @property
    def environment_file(self) -> Path:
        """Machine, versions and statistics."""
        return self.path / "environment.json"

    @property
    def history_file(self) -> Path:
        """One line per validation."""
        return self.path / "history.jsonl"

    @property
    def result_file(self) -> Path:
        """Scores of the evaluated splits."""
        return self.path / "result.json"

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

    def counts_file(self, split: str, inference: str = "") -> Path:
        """Confusion matrices of the images of a split.

        Args:
            split: Name of the split.
            inference: See `SplitResult.inference`.
        """
        return self.path / f"confusion_{_stem(split, inference)}.npz"


def _stem(split: str, inference: str) -> str:
    """Stem of the files of a result: `test`, or `test+flip+scales-0.75-1`."""
    return "+".join([split, *(words.replace(" ", "-") for words in inference.split(", "))]) if inference else split
