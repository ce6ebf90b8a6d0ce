"""Names of recipes, models, losses and data sets, with descriptions."""

from collections.abc import Mapping
from typing import Any, Literal

from pixelwise.data import DATASETS
from pixelwise.losses import LOSSES
from pixelwise.models import MODELS
from pixelwise.recipes import RECIPES

Kind = Literal["recipes", "models", "losses", "datasets"]


def catalog(kind: Kind) -> dict[str, str]:
    """Name -> first line of the docstring, in alphabetical order."""
    registries: dict[Kind, Mapping[str, Any]] = {
        "recipes": RECIPES, "models": MODELS, "losses": LOSSES, "datasets": DATASETS,
    }  # fmt: skip
    members = registries[kind]
    return {name: (members[name].__doc__ or "").strip().split("\n")[0] for name in sorted(members)}
