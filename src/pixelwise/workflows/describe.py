"""Facts about an experiment or a run in words, for reports and records."""

import shlex
from collections.abc import Sequence
from typing import Any

from pixelwise import recipes
from pixelwise.experiment import Experiment
from pixelwise.metrics.scores import EpochRecord
from pixelwise.reporting.changes import leaves, text


def train_command(experiment: Experiment) -> str:
    """The command that trains an experiment: its recipe, the seed, and the fields in which it differs from the recipe.

    Raises:
        InvalidSpec: The experiment has not the name of a recipe.
    """
    recipe = recipes.get(experiment.name)
    parts = {name: getattr(experiment, name) for name in ("data", "model", "loss")}
    others = {name: part for name, part in parts.items() if part.kind != getattr(recipe, name).kind}
    # `--set` of another kind gives that component with its own defaults, and another data set has no `watch`.
    given = {name: type(part).model_validate({"kind": part.kind}) for name, part in others.items()}
    recipe = recipe.replace(**given, **({"watch": ()} if "data" in others else {}))
    fields, defaults = (leaves(e.model_dump(mode="json")) for e in (experiment, recipe))
    seed = fields.pop("fit.seed")
    changed: dict[str, Any] = {f"{name}.kind": part.kind for name, part in others.items()}
    changed |= {path: value for path, value in fields.items() if defaults.get(path, ...) != value}
    if changed.get("fit.minutes", ...) is None or changed.get("fit.epochs", ...) is None:
        # Setting one of the two removes the other.
        changed = {path: value for path, value in changed.items() if path not in ("fit.minutes", "fit.epochs") or value}
    words = [f"--set {shlex.quote(f'{path}={text(value)}')}" for path, value in changed.items()]
    return " ".join(["pixelwise train", experiment.name, f"--seed {seed}", *words])


def image_size(experiment: Experiment) -> str:
    """Size of the training images, height first."""
    size = experiment.augment.crop or experiment.image_size
    return f"{size[0]}×{size[1]}" if size else "each image's size"


def minutes(history: Sequence[EpochRecord]) -> float:
    """Wall time of training and validation, in minutes."""
    return sum(record.seconds for record in history) / 60
