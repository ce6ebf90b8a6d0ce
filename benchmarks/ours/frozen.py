"""Training on a frozen encoder on CamVid; prints the speed of the later epochs as JSON.

The networks are those that two reports freeze: a decoder on ResNet-34, and the head of DeepLabV3.

Usage: frozen.py DATA_ROOT resnet_fcn|deeplabv3 cached|plain; plain sets requires_grad only and caches no features.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file

from pixelwise.data import CamVid
from pixelwise.experiment import Experiment, Fit
from pixelwise.models import DeeplabV3, ResnetFcn
from pixelwise.training import loop, setup

EPOCHS = 3

if __name__ == "__main__":
    root, network, how = sys.argv[1:]
    if how == "plain":
        loop.cacheable_variants = setup.cacheable_variants = lambda *_: 0
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        weights = Path(folder, "encoder.safetensors")
        if network == "deeplabv3":
            state = torchvision.models.segmentation.deeplabv3_resnet101(
                weights=None, weights_backbone=None
            ).state_dict()
            model, size = DeeplabV3(weights=str(weights), frozen=True), (128, 160)
        else:
            state = ResnetFcn(weights=None).build_encoder().layers.state_dict()
            model, size = ResnetFcn(weights=str(weights), frozen=True), (224, 224)
        save_file(state, weights)
        experiment = Experiment(
            name="benchmarks/frozen",
            data=CamVid(),
            model=model,
            image_size=size,
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
