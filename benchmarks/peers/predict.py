"""The same by smp's network in an eager loop: read, normalise, pad, network, argmax, write.

Prints the speed, and which share of the pixels pixelwise's label files of the same images agree with.

Usage: predict.py WEIGHTS IMAGES OTHER, weights being a state dict of the network, OTHER a folder with `labels/`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image

MEAN, STD = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))

if __name__ == "__main__":
    network = smp.Unet("resnet34", encoder_weights=None, classes=11).eval()
    network.load_state_dict(torch.load(sys.argv[1], weights_only=True))
    files = sorted(Path(sys.argv[2]).iterdir())
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        began = time.perf_counter()
        for file in files:
            image = np.asarray(Image.open(file).convert("RGB"), np.float32) / 255
            tensor = torch.from_numpy((image - MEAN) / STD).permute(2, 0, 1)[None]
            height, width = tensor.shape[-2:]
            padded = torch.nn.functional.pad(tensor, (0, -width % 32, 0, -height % 32))
            classes = network(padded)[0, :, :height, :width].argmax(0)
            Image.fromarray(classes.numpy().astype(np.uint8)).save(Path(folder, f"{file.stem}.png"))
        seconds = time.perf_counter() - began
        same = [
            np.asarray(Image.open(Path(folder, name))) == np.asarray(Image.open(Path(sys.argv[3], "labels", name)))
            for name in (f"{file.stem}.png" for file in files)
        ]
        print(json.dumps({"images_per_second": len(files) / seconds, "pixels_equal": float(np.mean(same))}))
