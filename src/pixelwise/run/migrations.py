"""Migrations: contents of run folders of earlier schema versions, brought to the current one when they are read.

Version 2 added the images of an epoch, official scores and groups of classes, 3 `fit.compile`, 4 the memory of an
epoch, 5 results with test-time augmentation and more ways to train; older files lack these, and the fields have
defaults. 6 added the confidence interval of the mean IoU and removed `augment.balance`. 7 renamed fields, and epochs
count passes over the training images: before, an epoch was `fit.passes` passes long.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pixelwise.core.errors import RunError
from pixelwise.metrics.scores import EpochRecord

VERSION = 7
"""Version of the schema that this code writes; a newer one is refused."""

HEADER = "pixelwise"
"""Key of the header in the metadata of a safetensors file."""

Json = dict[str, Any]


def migrate(content: Any, file: Path, val_every: int = 1) -> Json:
    """Brings the content of a JSON file of a run folder to the current schema.

    Args:
        content: Parsed JSON.
        file: The file, for errors.
        val_every: Number of epochs between validations of the run; results need it.

    Raises:
        RunError: The content is not that of a run, or a newer version wrote it.
    """
    version = content.get("version", 1) if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise RunError(f"{file} is damaged: it is not part of a run.")
    if version > VERSION:
        raise RunError(f"{file} has schema version {version}, newer than this pixelwise reads ({VERSION}): upgrade.")
    migrated: Json = dict(content)
    if version < 7:
        if isinstance(migrated.get("experiment"), dict):
            migrated["experiment"] = _experiment_6(migrated["experiment"])
        if isinstance(migrated.get("splits"), dict):
            migrated["splits"] = {name: _result_6(result, val_every) for name, result in migrated["splits"].items()}
            views = migrated.pop("views", {})
            migrated["inference"] = {name: _result_6(result, val_every) for name, result in views.items()}
    return migrated


def migrate_history(records: Sequence[EpochRecord], val_every: int) -> list[EpochRecord]:
    """Brings a history to the current unit of `epoch`, the number of passes over the training images.

    Up to version 6 the first record is epoch 1, however many passes it took; since then it is epoch `val_every`.

    Args:
        records: Records of a run, from the first one on.
        val_every: Number of epochs between validations of the run.
    """
    scale = val_every if records[0].epoch == 1 else 1
    return [record.replace(epoch=scale * record.epoch) for record in records]


def migrate_header(metadata: dict[str, str], val_every: int) -> Json:
    """The header of a safetensors file in the current schema: `epoch`, and the training `state` where it has one.

    Since version 7 the header is one JSON text under the key `pixelwise`: the order of several keys, and with it the
    hash of the file, would differ between equal runs. In earlier versions `epoch` and `state` are separate keys.

    Args:
        metadata: Metadata of the file.
        val_every: Number of epochs between validations of the run.
    """
    if HEADER in metadata:
        header: Json = json.loads(metadata[HEADER])
        return header
    header = {"epoch": val_every * int(metadata.get("epoch", 0))}
    if "state" in metadata:
        state = json.loads(metadata["state"])
        header["state"] = state | {key: val_every * state[key] for key in ("epoch", "best_epoch") if key in state}
    return header


def migrate_label_space(space: Json) -> Json:
    """Brings a label space of any version to the current field names."""
    return _renamed(space, colours="colors", void_colour="void_color", not_judged="ignored_in_evaluation")


def _experiment_6(experiment: Json) -> Json:
    experiment = _renamed(experiment, size="image_size")
    if isinstance(fit := experiment.get("fit"), dict):
        fit = _renamed(fit, passes="val_every", best="monitor", clip="grad_clip_norm", ema="ema_decay")
        if fit.get("minutes") is not None:
            fit["epochs"] = None
        elif isinstance(fit.get("epochs"), int):
            fit["epochs"] *= fit.get("val_every", 1)
        experiment["fit"] = {**fit, "schedule": _renamed(fit.get("schedule", {}), floor="min_lr")}
    if isinstance(augment := experiment.get("augment"), dict):
        # `balance` was removed in version 6; where it was used, it is refused as an unknown field.
        used = {key: value for key, value in augment.items() if key != "balance" or value}
        experiment["augment"] = _renamed(used, jitter="color_jitter")
    if _is_ours(loss := experiment.get("loss", {})):
        experiment["loss"] = _renamed(dict(loss), weights="class_weights", smoothing="label_smoothing")
    if _is_ours(model := experiment.get("model", {})):
        experiment["model"] = _renamed(dict(model), aux="aux_loss_weight")
    data = experiment.get("data")
    if isinstance(data, dict) and isinstance(files := data.get("label_files"), dict):
        files = _renamed(files, space="label_space", colours="colors")
        experiment["data"] = {
            **data,
            "label_files": {**files, "label_space": migrate_label_space(files["label_space"])},
        }
    return experiment


def _is_ours(component: Any) -> bool:
    """Whether a component is one of this package; a user's own has field names of its own."""
    return isinstance(component, dict) and ":" not in str(component.get("kind"))


def _result_6(result: Json, val_every: int) -> Json:
    result = _renamed(result, trivial="majority_baseline", interval="mean_iou_ci95", views="inference")
    return {**result, "epoch": val_every * result["epoch"]}


def _renamed(content: Json, **names: str) -> Json:
    """The content with keys renamed; values and order stay."""
    return {names.get(key, key): value for key, value in content.items()}
