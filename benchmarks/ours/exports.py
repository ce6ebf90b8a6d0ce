"""Exports of a run on CamVid in every format: their certificates.

The run is of the recipe `camvid/loss-cross-entropy`, trained once for EPOCHS epochs. Exports are made in turn, each
certificate predicting every validation image by the run and by the export one after the other. Prints them as JSON.

Usage: exports.py DATA_ROOT WORK
"""

import json
import shutil
import sys
from pathlib import Path

from pixelwise import recipes
from pixelwise.exporting.formats import Format
from pixelwise.training.loop import train
from pixelwise.workflows.export import export

RECIPE, EPOCHS = "camvid/loss-cross-entropy", 10
KINDS: tuple[tuple[Format, bool], ...] = (("onnx", False), ("torch", False), ("openvino", False), ("openvino", True))


def made(root: Path, folder: Path) -> Path:
    """The run; trained where it was not before."""
    if not (folder / "result.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        train(recipes.get(RECIPE).with_values({"fit.epochs": str(EPOCHS)}), data_root=root, out=folder)
    return folder


if __name__ == "__main__":
    root, work = map(Path, sys.argv[1:])
    run = made(root, work / "exports_run")
    found = []
    for to, int8 in KINDS:
        out = work / "exports" / f"{to}{'-int8' if int8 else ''}"
        shutil.rmtree(out, ignore_errors=True)
        found.append(export(run, to, int8=int8, data_root=root, out=out).certificate.model_dump())
    print(json.dumps({"recipe": RECIPE, "epochs": EPOCHS, "certificates": found}))
