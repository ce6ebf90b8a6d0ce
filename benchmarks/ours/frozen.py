"""Trains a decoder on a frozen ResNet-34 on CamVid, and prints the speed of the later epochs as JSON.

Usage: frozen.py DATA_ROOT remembered|plain; plain only sets requires_grad.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from pixelwise.data import CamVid
from pixelwise.engine import train as loop
from pixelwise.experiment import Experiment, Fit
from pixelwise.models import ResnetFcn

EPOCHS = 3

if __name__ == "__main__":
    root, how = sys.argv[1:]
    if how == "plain":
        loop.variants = lambda *_: 0
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        weights = Path(folder, "encoder.safetensors")
        save_file(ResnetFcn(weights=None).build_encoder().layers.state_dict(), weights)
        experiment = Experiment(
            name="benchmarks/frozen",
            data=CamVid(),
            model=ResnetFcn(weights=str(weights), frozen=True),
            size=(224, 224),
            fit=Fit(epochs=EPOCHS, batch_size=16),
        )
        history = loop.train(experiment, data_root=root, out=Path(folder, "run")).history()
        later = history[1:]
        found = {
            "images_per_second": sum(r.images or 0 for r in later) / sum(r.seconds for r in later),
            "training_images_per_second": later[-1].images_per_second,
            "first_epoch_images_per_second": history[0].images_per_second,
            "loss": later[-1].train_loss,
        }
        print(json.dumps(found))
