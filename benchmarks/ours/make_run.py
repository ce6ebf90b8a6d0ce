"""Preparation of the prediction rows.

A run of smp's U-Net on ResNet-34 after eight epochs, its weights in smp's format, and CamVid's test images as JPEG.

Usage: make_run.py DATA_ROOT WORK
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from PIL import Image

from pixelwise.data import CamVid
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.models import Smp
from pixelwise.training.loop import train

IMAGES = 60
EPOCHS = 8


def make(root: Path, work: Path) -> None:
    """Makes the run, the weights and the images, unless they exist."""
    if (work / "network.pt").exists():
        return
    shutil.rmtree(work / "run", ignore_errors=True)
    experiment = Experiment(
        name="benchmarks/predict",
        data=CamVid(),
        model=Smp(weights=None),
        augment=Augment(crop=(352, 352), hflip=0.5),
        fit=Fit(epochs=EPOCHS, batch_size=8, optimizer=Optimizer(lr=1e-3)),
    )
    run = train(experiment, data_root=root, out=work / "run")
    (work / "images").mkdir(exist_ok=True)
    for file in sorted((root / "camvid" / "test").iterdir())[:IMAGES]:
        Image.open(file).convert("RGB").save(work / "images" / f"{file.stem}.jpg", quality=92)
    torch.save(Predictor.load(run, InferenceOptions(device="cpu")).model.network.state_dict(), work / "network.pt")


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:]))
    print(json.dumps({}))
