"""Evaluation of a run of pixelwise on CamVid's validation split; prints the speed as JSON.

On both sides, loading the network is not timed. This side also computes the loss.

Usage: evaluate.py DATA_ROOT WORK
"""

import json
import sys
import time
from pathlib import Path

import torch
from work import gflop_of_an_image  # beside this program

from pixelwise.data import CamVid
from pixelwise.evaluation.evaluate import evaluate_split
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.losses import CrossEntropy
from pixelwise.metrics import confusion

if __name__ == "__main__":
    root, work = map(Path, sys.argv[1:])
    predictor = Predictor.load(work / "run", InferenceOptions(backend="openvino", precision="bf16"))
    split = CamVid().build("val", root)
    loss = CrossEntropy().build(torch.ones(split.label_space.num_classes, dtype=torch.int64))
    began = time.perf_counter()
    counts = evaluate_split(predictor, split, loss, batch_size=8, workers=1)
    seconds = time.perf_counter() - began
    network = Predictor.load(work / "run", InferenceOptions(device="cpu")).model.network
    found = {
        "images_per_second": len(split) / seconds,
        "mean_iou": confusion.mean_iou(counts.matrix),
        "gflop_per_image": gflop_of_an_image(network, 384, 480),
    }
    print(json.dumps(found))
