"""Weights of a run as safetensors. No pickle is written or read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pixelwise.core.errors import RunError
from pixelwise.core.files import write_atomic
from pixelwise.run import Run
from pixelwise.run.migrations import HEADER, VERSION, migrate_header


def save_weights(run: Run, model: nn.Module, epoch: int) -> None:
    """Writes a model's weights and buffers as the best of a run.

    Raises:
        RunError: The file cannot be written.
    """
    save_tensors(run.best, model.state_dict(), {"epoch": epoch})


def load_weights(run: Run, model: nn.Module) -> int:
    """Loads the best weights of a run into a model.

    Returns:
        The epoch of the weights.

    Raises:
        RunError: The file is missing or damaged, or belongs to another network.
    """
    tensors, metadata = load_tensors(run.best)
    fill_model(model, tensors, run.best)
    epoch: int = migrate_header(metadata, run.val_every)["epoch"]
    return epoch


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Writes tensors and a header to a file in one atomic step.

    Raises:
        RunError: The file cannot be written.
    """
    metadata = {HEADER: json.dumps({"version": VERSION, **header})}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        write_atomic(path, lambda temp: save_file(contiguous, temp, metadata))
    except SafetensorError as e:  # a full disk is reported so by safetensors
        raise RunError(f"cannot write {path}: {e}; free some space, then continue with --resume.") from None


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name, and the metadata.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  # no dict
    except FileNotFoundError:
        raise RunError(f"{path.parent} has no {path.name}: no epoch was finished, or the file was removed.") from None
    except (SafetensorError, OSError) as e:
        raise RunError(f"{path} is damaged: {e}.") from None


def load_metadata(path: Path) -> dict[str, str] | None:
    """The metadata alone; None without a file.

    Raises:
        RunError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as e:
        raise RunError(f"{path} is damaged: {e}.") from None


def fill_model(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Loads tensors into a model.

    Raises:
        RunError: They belong to another network.
    """
    try:
        model.load_state_dict(tensors)
    except RuntimeError as e:
        raise RunError(f"{path} does not fit the run's network: {str(e).splitlines()[-1].strip()}") from None
