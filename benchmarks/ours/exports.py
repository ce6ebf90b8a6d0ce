"""Certificates of the exports of a run on CamVid, in every format; prints them as JSON.

The run is of the recipe `camvid/loss-cross-entropy`, trained once for EPOCHS epochs. A certificate compares the
predictions of the run and of the export for every validation image.

Usage: exports.py DATA_ROOT WORK
"""

import json
import shutil
import sys
from pathlib import Path

from pixelwise import recipes
from pixelwise.exporting.formats import Format
from pixelwise.inference.options import InferenceOptions, Precision
from pixelwise.training.loop import train
from pixelwise.workflows.export import export

RECIPE, EPOCHS = "camvid/loss-cross-entropy", 10
EXPORTS: tuple[tuple[Format, Precision], ...] = (
    ("onnx", "fp32"), ("torch", "fp32"), ("openvino", "fp32"), ("openvino", "int8"),
)  # fmt: skip


def made(root: Path, folder: Path) -> Path:
    """The run, which is trained if it does not exist."""
    if not (folder / "result.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        train(recipes.get(RECIPE).with_values({"fit.epochs": str(EPOCHS)}), data_root=root, out=folder)
    return folder


if __name__ == "__main__":
    root, work = map(Path, sys.argv[1:])
    run = made(root, work / "exports_run")
    found = []
    for to, precision in EXPORTS:
        out = work / "exports" / f"{to}-{precision}"
        shutil.rmtree(out, ignore_errors=True)
        options = InferenceOptions(precision=precision)
        found.append(export(run, to, data_root=root, out=out, options=options).certificate.model_dump())
    print(json.dumps({"recipe": RECIPE, "epochs": EPOCHS, "certificates": found}))
