"""What there is to choose from."""

from collections.abc import Mapping
from typing import Any, Literal

from pixelwise.data import DATASETS
from pixelwise.losses import LOSSES
from pixelwise.models import MODELS
from pixelwise.recipes import RECIPES

Kind = Literal["recipes", "models", "losses", "datasets"]


def catalog(what: Kind) -> dict[str, str]:
    """Name -> first sentence of its docstring, by name."""
    everything: dict[Kind, Mapping[str, Any]] = {
        "recipes": RECIPES, "models": MODELS, "losses": LOSSES, "datasets": DATASETS,
    }  # fmt: skip
    found = everything[what]
    return {name: (found[name].__doc__ or "").strip().split("\n")[0] for name in sorted(found)}
