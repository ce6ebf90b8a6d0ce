"""Prediction with smp's network: eager, fp32, one image at a time."""

from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image

CLASSES = 11
MEAN, STD = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))


def load(weights):
    """The network with the weights of a state dict."""
    network = smp.Unet("resnet34", encoder_weights=None, classes=CLASSES).eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network


def classes(network, file: Path):
    """Class ids of an image file, `[1, H, W]`: read, normalize, pad, network, argmax."""
    image = np.asarray(Image.open(file).convert("RGB"), np.float32) / 255
    tensor = torch.from_numpy((image - MEAN) / STD).permute(2, 0, 1)[None]
    height, width = tensor.shape[-2:]
    padded = torch.nn.functional.pad(tensor, (0, -width % 32, 0, -height % 32))
    return network(padded)[:, :, :height, :width].argmax(1)
