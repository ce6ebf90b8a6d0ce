"""Weights and training state as safetensors. No pickle is written or read.

`last.safetensors` is the one file that a resume needs: the weights under their names, the optimizer's tensors under
`optimizer/<parameter>/<name>`, the moving average, if one is kept, under `average/`, and everything that is no tensor
as JSON in the header. Being one file it is replaced by one rename, so nothing in it can belong to different epochs.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from pixelwise.core.errors import RunError
from pixelwise.core.files import write_atomic
from pixelwise.engine.selection import State

OPTIMIZER = "optimizer/"
AVERAGE = "average/"


def save_weights(path: Path, model: nn.Module, epoch: int) -> None:
    """Writes a model's weights and buffers."""
    _save(path, _contiguous(model.state_dict()), {"epoch": str(epoch)})


def load_weights(path: Path, model: nn.Module) -> int:
    """Fills a model with stored weights and gives their epoch.

    Raises:
        RunError: The file is missing or damaged, or belongs to another network.
    """
    tensors, header = _load(path)
    _fill(model, {name: t for name, t in tensors.items() if not name.startswith((OPTIMIZER, AVERAGE))}, path)
    return int(header.get("epoch", 0))


def save_state(
    path: Path, model: nn.Module, optimizer: optim.Optimizer, state: State, average: AveragedModel | None = None
) -> None:
    """Writes everything that the next epoch depends on."""
    moments = {
        f"{OPTIMIZER}{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
    follows = {AVERAGE + name: tensor for name, tensor in average.state_dict().items()} if average else {}
    tensors = _contiguous(model.state_dict() | moments | follows)
    _save(path, tensors, {"epoch": str(state.epoch), "state": state.model_dump_json()})


def stored_state(path: Path) -> State | None:
    """Where the training stands that a file holds, None where no epoch was finished.

    Raises:
        RunError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            return State.from_json((file.metadata() or {}).get("state", "{}"))
    except (SafetensorError, OSError) as e:
        raise RunError(f"{path} is damaged: {e}.") from None


def load_state(path: Path, model: nn.Module, optimizer: optim.Optimizer, average: AveragedModel | None = None) -> State:
    """Restores what `save_state` wrote.

    Raises:
        RunError: The file is missing or damaged, or belongs to another network or optimizer.
    """
    tensors, header = _load(path)
    _fill(model, {name: t for name, t in tensors.items() if not name.startswith((OPTIMIZER, AVERAGE))}, path)
    if average:
        followed = {name.removeprefix(AVERAGE): t for name, t in tensors.items() if name.startswith(AVERAGE)}
        _fill(average, followed, path)
    for name, parameter in model.named_parameters():
        prefix = f"{OPTIMIZER}{name}/"
        for key in [k for k in tensors if k.startswith(prefix)]:
            optimizer.state[parameter][key.removeprefix(prefix)] = _like(parameter, tensors[key])
    if "state" not in header:
        raise RunError(f"{path} holds weights only: training cannot go on from it.")
    return State.from_json(header["state"])


def _like(parameter: nn.Parameter, moment: Tensor) -> Tensor:
    """A moment in its parameter's device and memory format.

    Fused optimizers on the CPU walk parameter and moments in memory order without comparing strides: a contiguous
    moment beside a channels-last parameter is misread without an error.
    """
    if moment.shape != parameter.shape:  # the step count
        return moment.clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().cpu().contiguous() for name, t in tensors.items()}


def _save(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    try:
        write_atomic(path, lambda temp: save_file(tensors, temp, header))
    except SafetensorError as e:  # how a full disk reaches us from there
        raise RunError(f"cannot write {path}: {e}; free some space, then go on with --resume.") from None


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  # no dict
    except FileNotFoundError:
        raise RunError(f"{path.parent} has no {path.name}: no epoch was finished, or the file was removed.") from None
    except (SafetensorError, OSError) as e:
        raise RunError(f"{path} is damaged: {e}.") from None


def _fill(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as e:
        raise RunError(f"{path} does not fit the run's network: {str(e).splitlines()[-1].strip()}") from None
