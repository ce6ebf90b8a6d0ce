"""Pretrained weights: published weights, which are downloaded, or a file of weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from pixelwise.core.errors import InvalidSpec

Weights = Annotated[str, Field(min_length=1)] | None
"""Initial weights: `pretrained` (the weights that were published with the network), the path of a .safetensors, .pth or
.pt file, or None (random weights)."""

PRETRAINED = "pretrained"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RESEARCH_ONLY = {"apple-amlr", "fair-noncommercial-research-license", "seer-license"}
"""Licenses of weights, by their names in timm, that forbid commercial use; so do those with `nc` in their name."""
ADVICE = "give a file of weights (--set model.weights=FILE) or train from scratch (--set model.weights=none)"


def load_pretrained(part: nn.Module, weights: str, name: str, url: str, without: tuple[str, ...]) -> None:
    """Loads torchvision's published weights, or a file of them, into a part of a network.

    Args:
        part: Part of the network. Its parameters have the published names.
        weights: See `Weights`.
        name: Name of the published network, for error messages.
        url: Address of the weights.
        without: Prefixes of the names of published parameters that are not loaded, such as a classification head.

    Raises:
        InvalidSpec: The weights cannot be downloaded or read, or belong to another network.
    """
    state = _download(url, name) if weights == PRETRAINED else read_weights(Path(weights))
    fill(part, state, weights, f"torchvision's {name}", without)


def fill(part: nn.Module, state: Mapping[str, Tensor], weights: str, name: str, without: tuple[str, ...] = ()) -> None:
    """Loads weights into a part of a network. If they do not fit, the network is left unchanged.

    Args:
        part: Part of the network.
        state: Name of each parameter and buffer -> tensor.
        weights: Origin of the weights, for error messages.
        name: Owner and name of the expected network, for error messages.
        without: Prefixes of the names of tensors that are not loaded.

    Raises:
        InvalidSpec: The weights belong to another network.
    """
    wanted = {key: value for key, value in state.items() if not key.startswith(without)}
    own = part.state_dict()
    missing = [key for key in own if key not in wanted and not key.startswith(without)]
    unexpected = [key for key, value in wanted.items() if key not in own or own[key].shape != value.shape]
    # BatchNorm with a fixed momentum does not use its counter of batches, and some files lack it.
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        first = f"it has no {missing[0]}" if missing else f"its {unexpected[0]} does not fit"
        raise InvalidSpec(f"model.weights={weights} does not contain the weights of {name}: {first}.")
    part.load_state_dict(wanted, strict=False)


def check_license(encoder: str) -> None:
    """Refuses timm weights whose license forbids commercial use.

    Args:
        encoder: Name of the encoder in timm.

    Raises:
        InvalidSpec: The license forbids commercial use.
    """
    import timm  # here, because its import is slow

    published = timm.get_pretrained_cfg(encoder)
    license_name: str = (published.license or "") if published else ""
    if "nc" in license_name.split("-") or license_name in RESEARCH_ONLY:
        raise InvalidSpec(
            f"the weights of {encoder} have the license {license_name}, which forbids commercial use; choose another"
            " encoder, or train from scratch (--set model.weights=none)."
        )


def _download(url: str, name: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True
        )
    except Exception as e:  # no network, no disk space, a wrong hash, or a damaged file in torch's cache
        kept = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
        if kept.exists():
            raise InvalidSpec(
                f"{kept} cannot be read as weights: delete it, and the weights of {name} are downloaded again."
            ) from None
        raise InvalidSpec(f"the weights of {name} cannot be downloaded from {url} ({e}): {ADVICE}.") from None
    return state


def read_weights(file: Path) -> Mapping[str, Tensor]:
    """Reads the tensors of a file by name. Code in the file is not executed.

    Raises:
        InvalidSpec: The file does not exist or cannot be read as weights.
    """
    if not file.is_file():
        raise InvalidSpec(f"model.weights={file}: there is no such file; {ADVICE}.")
    if file.suffix not in (".safetensors", ".pth", ".pt"):
        raise InvalidSpec(f"model.weights={file}: expected a file that ends in .safetensors, .pth or .pt.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as e:  # torch raises many types of errors for damaged files
        reason = (e.strerror if isinstance(e, OSError) else None) or "it is damaged, or contains more than tensors"
        raise InvalidSpec(f"model.weights={file} cannot be read as weights: {reason}.") from None
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise InvalidSpec(
            f"model.weights={file}: expected a state dict (a dictionary of tensors by name); save only that:"
            " torch.save(network.state_dict(), FILE)."
        )
    return state
