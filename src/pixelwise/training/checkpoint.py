"""Training state as safetensors. No pickle is written or read.

`last.safetensors` is the only file that a resume needs: the weights under their names, the optimizer's tensors under
`optimizer/<parameter>/<name>`, the exponential moving average under `average/`, and everything else as JSON in the
header. One file is replaced by one rename, so its parts always belong to the same epoch.
"""

import torch
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from pixelwise.core.errors import RunError
from pixelwise.inference.weights import fill_model, load_metadata, load_tensors, save_tensors
from pixelwise.run import Run
from pixelwise.run.migrations import migrate_header
from pixelwise.training.selection import TrainingState

OPTIMIZER = "optimizer/"
AVERAGE = "average/"


def save_state(
    run: Run, model: nn.Module, optimizer: optim.Optimizer, state: TrainingState, average: AveragedModel | None = None
) -> None:
    """Writes everything that the next epoch depends on.

    Raises:
        RunError: The file cannot be written.
    """
    moments = {
        f"{OPTIMIZER}{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
    averaged = {AVERAGE + name: tensor for name, tensor in average.state_dict().items()} if average else {}
    header = {"epoch": state.epoch, "state": state.model_dump(mode="json")}
    save_tensors(run.last, model.state_dict() | moments | averaged, header)


def stored_state(run: Run) -> TrainingState | None:
    """Training state of a run; None before the first validation.

    Raises:
        RunError: The file is damaged.
    """
    metadata = load_metadata(run.last)
    return None if metadata is None else _state(metadata, run)


def load_state(
    run: Run, model: nn.Module, optimizer: optim.Optimizer, average: AveragedModel | None = None
) -> TrainingState:
    """Restores what `save_state` wrote.

    Raises:
        RunError: The file is missing or damaged, or belongs to another network or optimizer.
    """
    tensors, metadata = load_tensors(run.last)
    weights = {name: t for name, t in tensors.items() if not name.startswith((OPTIMIZER, AVERAGE))}
    fill_model(model, weights, run.last)
    if average:
        averaged = {name.removeprefix(AVERAGE): t for name, t in tensors.items() if name.startswith(AVERAGE)}
        fill_model(average, averaged, run.last)
    for name, parameter in model.named_parameters():
        prefix = f"{OPTIMIZER}{name}/"
        for key in [k for k in tensors if k.startswith(prefix)]:
            optimizer.state[parameter][key.removeprefix(prefix)] = _like(parameter, tensors[key])
    return _state(metadata, run)


def _state(metadata: dict[str, str], run: Run) -> TrainingState:
    header = migrate_header(metadata, run.val_every)
    if "state" not in header:
        raise RunError(f"{run.last} holds weights only: training cannot be resumed from it.")
    return TrainingState.model_validate(header["state"])


def _like(parameter: nn.Parameter, moment: Tensor) -> Tensor:
    """A moment in its parameter's device and memory format.

    Fused optimizers on the CPU walk parameter and moments in memory order without comparing strides: a contiguous
    moment beside a channels-last parameter is misread without an error.
    """
    if moment.shape != parameter.shape:  # the step count
        return moment.clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)
