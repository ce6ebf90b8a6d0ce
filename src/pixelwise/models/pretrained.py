"""Weights that training starts from: published ones, downloaded, or a file of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from pixelwise.core.errors import InvalidSpec

Weights = Annotated[str, Field(min_length=1)] | None
"""`pretrained` takes the weights that were published with the network; a path that ends in .safetensors, .pth or .pt
takes that file of them; None starts from scratch."""

PRETRAINED = "pretrained"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RESEARCH_ONLY = {"apple-amlr", "fair-noncommercial-research-license", "seer-license"}
"""Licenses of weights, by timm's names, that allow research alone; so do those with `nc` in their name."""
ADVICE = "give a file of them (--set model.weights=FILE) or start from scratch (--set model.weights=none)"


def load_pretrained(part: nn.Module, weights: str, name: str, url: str, without: tuple[str, ...]) -> None:
    """Fills a part of a network with published weights.

    Args:
        part: What is filled, its parameters named as published.
        weights: See `Weights`.
        name: What the weights are of, for errors.
        url: Where torchvision publishes them.
        without: How the names begin of what is published and not wanted here, such as a classification head.

    Raises:
        InvalidSpec: They cannot be had or read, or are those of another network.
    """
    state = _download(url, name) if weights == PRETRAINED else read_weights(Path(weights))
    fill(part, state, weights, f"torchvision's {name}", without)


def fill(part: nn.Module, state: Mapping[str, Tensor], weights: str, name: str, without: tuple[str, ...] = ()) -> None:
    """Fills a part of a network, or refuses and leaves it as it is.

    Args:
        part: What is filled.
        state: Tensors by the names of its parameters and buffers.
        weights: Where they are from, for errors.
        name: What they should be of, and whose that is, for errors.
        without: How the names begin of what is not wanted here.

    Raises:
        InvalidSpec: They are those of another network.
    """
    wanted = {key: value for key, value in state.items() if not key.startswith(without)}
    own = part.state_dict()
    missing = [key for key in own if key not in wanted and not key.startswith(without)]
    foreign = [key for key, value in wanted.items() if key not in own or own[key].shape != value.shape]
    # BatchNorm's counter of batches is of no use in a fixed momentum, and some files leave it out.
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or foreign:
        first = f"it has no {missing[0]}" if missing else f"its {foreign[0]} does not fit"
        raise InvalidSpec(f"model.weights={weights} are not weights of {name}: {first}.")
    part.load_state_dict(wanted, strict=False)


def check_license(encoder: str) -> None:
    """Refuses weights of timm whose license forbids commercial use.

    Args:
        encoder: Timm's name.

    Raises:
        InvalidSpec: It does.
    """
    import timm

    published = timm.get_pretrained_cfg(encoder)
    license: str = (published.license or "") if published else ""
    if "nc" in license.split("-") or license in RESEARCH_ONLY:
        raise InvalidSpec(
            f"the weights of {encoder} are under {license}, which forbids commercial use; choose another encoder, or"
            " start from scratch (--set model.weights=none)."
        )


def _download(url: str, name: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True
        )
    except Exception as e:  # no network; no disk; a wrong hash; whatever a damaged file in torch's cache leads to
        kept = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
        if kept.exists():
            raise InvalidSpec(
                f"{kept} cannot be read as weights: delete it, and the weights of {name} are downloaded anew."
            ) from None
        raise InvalidSpec(f"the weights of {name} cannot be had from {url} ({e}): {ADVICE}.") from None
    return state


def read_weights(file: Path) -> Mapping[str, Tensor]:
    """The tensors of a file by name; nothing in it is run.

    Raises:
        InvalidSpec: There is no such file, or it cannot be read as weights.
    """
    if not file.is_file():
        raise InvalidSpec(f"model.weights={file}: there is no such file; {ADVICE}.")
    if file.suffix not in (".safetensors", ".pth", ".pt"):
        raise InvalidSpec(f"model.weights={file}: expected a file that ends in .safetensors, .pth or .pt.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as e:  # torch meets a damaged file with whatever error its bytes lead to
        reason = (e.strerror if isinstance(e, OSError) else None) or "it is damaged, or holds more than tensors"
        raise InvalidSpec(f"model.weights={file} cannot be read as weights: {reason}.") from None
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise InvalidSpec(
            f"model.weights={file}: expected a state dict, names with tensors, found something else; save that alone:"
            " torch.save(network.state_dict(), FILE)."
        )
    return state
