"""Evaluation of smp's network on CamVid's validation split, eager, with torchmetrics; prints the speed as JSON.

Usage: evaluate.py DATA_ROOT WEIGHTS, weights being a state dict of the network.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from eager import CLASSES, classes, load  # beside this program
from PIL import Image
from torchmetrics.classification import MulticlassJaccardIndex

if __name__ == "__main__":
    root, weights = map(Path, sys.argv[1:])
    network = load(weights)
    images = {file.stem: file for file in (root / "camvid" / "val").iterdir()}
    metric = MulticlassJaccardIndex(CLASSES, ignore_index=CLASSES)  # void is the class after the last
    began = time.perf_counter()
    with torch.inference_mode():
        for file in sorted((root / "camvid" / "valannot").iterdir()):
            metric.update(
                classes(network, images[file.stem]), torch.from_numpy(np.asarray(Image.open(file)).astype(int))[None]
            )
    score = float(metric.compute())
    seconds = time.perf_counter() - began
    print(json.dumps({"images_per_second": len(images) / seconds, "mean_iou": score}))
