"""Prediction with smp's network in an eager loop: read, normalize, pad, network, argmax, write.

Prints the speed, the share of pixels with the same class in pixelwise's label files, and the mean IoU of both sides.

Usage: predict.py WEIGHTS IMAGES OTHER DATA_ROOT, weights being a state dict of the network, OTHER a folder with
`labels/`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from eager import CLASSES, classes, load  # beside this program
from PIL import Image
from torchmetrics.classification import MulticlassJaccardIndex


def compare(own: Path, other: Path) -> dict[str, float]:
    """Compares the label files of both sides with each other and with the ground truth."""
    same, scores = [], [MulticlassJaccardIndex(CLASSES, ignore_index=CLASSES) for _ in range(2)]
    for file in sorted(own.iterdir()):
        labels = [np.asarray(Image.open(folder / file.name)) for folder in (own, other)]
        true = torch.from_numpy(np.asarray(Image.open(Path(sys.argv[4], "camvid", "testannot", file.name))).astype(int))
        same.append(labels[0] == labels[1])
        for score, found in zip(scores, labels, strict=True):
            score.update(torch.from_numpy(found.astype(int))[None], true[None])
    return {
        "pixels_equal": float(np.mean(same)),
        "mean_iou": float(scores[0].compute()),
        "mean_iou_other": float(scores[1].compute()),
    }


if __name__ == "__main__":
    network = load(sys.argv[1])
    files = sorted(Path(sys.argv[2]).iterdir())
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        began = time.perf_counter()
        for file in files:
            found = classes(network, file)[0]
            Image.fromarray(found.numpy().astype(np.uint8)).save(Path(folder, f"{file.stem}.png"))
        seconds = time.perf_counter() - began
        found = {"images_per_second": len(files) / seconds, **compare(Path(folder), Path(sys.argv[3], "labels"))}
    print(json.dumps(found))
