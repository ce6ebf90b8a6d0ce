"""Run folders as version 6 of the schema had them."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from pixelwise.run import Run


def as_version_6(run: Run, folder: Path) -> Run:
    """A copy of a run with the field names and the unit of epochs of version 6."""
    shutil.copytree(run.path, folder)
    every = run.experiment.fit.val_every
    content = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))["experiment"]
    experiment = renamed(content, image_size="size")
    fit = renamed(experiment["fit"], val_every="passes", monitor="best", grad_clip_norm="clip", ema_decay="ema")
    experiment["fit"] = {
        **fit, "epochs": fit["epochs"] // every, "schedule": renamed(fit["schedule"], min_lr="floor"),
    }  # fmt: skip
    experiment["augment"] = renamed(experiment["augment"], color_jitter="jitter")
    experiment["loss"] = renamed(experiment["loss"], class_weights="weights", label_smoothing="smoothing")
    write(folder / "experiment.json", {"version": 6, "experiment": experiment})
    results = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    parts = {
        part: {name: result_6(result, every) for name, result in results[part].items()}
        for part in ("splits", "inference")
    }
    write(folder / "result.json", {"version": 6, "splits": parts["splits"], "views": parts["inference"]})
    records = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = [json.dumps(record | {"epoch": record["epoch"] // every}) for record in records]
    (folder / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("best.safetensors", "last.safetensors"):
        with safe_open(folder / name, "pt") as stored:
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118  # not a dict
            content = json.loads(stored.metadata()["pixelwise"])
        header = {"epoch": str(content["epoch"] // every)}
        if state := content.get("state"):
            header["state"] = json.dumps(state | {key: state[key] // every for key in ("epoch", "best_epoch")})
        save_file(tensors, folder / name, header)
    return Run.open(folder)


def result_6(result: dict[str, Any], every: int) -> dict[str, Any]:
    old = renamed(result, majority_baseline="trivial", mean_iou_ci95="interval", inference="views")
    return {**old, "epoch": old["epoch"] // every}


def renamed(content: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in content.items()}


def write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
