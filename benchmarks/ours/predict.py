"""Prediction of JPEG files to label files with a run of pixelwise; prints the speed as JSON.

Usage: predict.py WORK one|bulk BACKEND PRECISION [DATA_ROOT]; `one` reads, predicts and writes each file before the
next, `bulk` is `pixelwise predict`. The label files stay in WORK/out, where the other side compares them with its own.
"""

import json
import shutil
import sys
import time
from pathlib import Path

from work import gflop_of_an_image  # beside this program

from pixelwise.data.images import label_picture, read_image, write_png
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predict import predict
from pixelwise.inference.predictor import Predictor


def one_by_one(run: Path, files: list[Path], out: Path, options: InferenceOptions, root: Path | None) -> float:
    """Seconds of reading, predicting and writing, one file after the other."""
    predictor = Predictor.load(run, options, data_root=root)
    (out / "labels").mkdir(parents=True)
    began = time.perf_counter()
    for file in files:
        classes = predictor(read_image(file).permute(1, 2, 0).numpy())
        write_png(out / "labels" / f"{file.stem}.png", label_picture(classes, predictor.label_space))
    return time.perf_counter() - began


if __name__ == "__main__":
    work, how, backend, precision = Path(sys.argv[1]), *sys.argv[2:5]
    root = Path(sys.argv[5]) if len(sys.argv) > 5 else None
    options = InferenceOptions(backend=backend, precision=precision)  # type: ignore[arg-type]  # checked when it is made
    out, files = work / "out", sorted((work / "images").iterdir())
    shutil.rmtree(out, ignore_errors=True)
    if how == "one":
        seconds = one_by_one(work / "run", files, out, options, root)
    else:
        seconds = predict(work / "run", files, out, options=options, overlays=False, data_root=root).seconds
    network = Predictor.load(work / "run", InferenceOptions(device="cpu")).model.network
    found = {"images_per_second": len(files) / seconds, "gflop_per_image": gflop_of_an_image(network, 384, 480)}
    print(json.dumps(found))
