"""Training step of the reports' FCN at 224×224 with batch size 16; prints images per second as JSON.

Usage: step.py fast|plain; plain is a simple script: eager, fp32, contiguous.
"""

import json
import sys
import time

import torch
from torch.nn import functional as F

from pixelwise.experiment import Fit, Optimizer
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, Segmenter
from pixelwise.training.memory import freed_memory_kept
from pixelwise.training.optimizer import build_optimizer

BATCH, SIZE, CLASSES, STEPS = 16, 224, 21, 8


def fast(images: torch.Tensor, labels: torch.Tensor, classes: int = CLASSES) -> list[float]:
    """Step durations of pixelwise's training loop."""
    machine = resolve_runtime(Fit())
    model = Segmenter(Fcn().build(classes), Fcn()).to(memory_format=torch.channels_last).train()
    optimizer = build_optimizer(Optimizer(), model.parameters())
    loss = CrossEntropy().build(torch.ones(classes, dtype=torch.int64))
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        with machine.autocast():
            logits = model(images.contiguous(memory_format=torch.channels_last))
        value = loss(logits, labels).mean
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def plain(images: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """Step durations of a script as in torch's tutorials."""
    model = Segmenter(Fcn().build(CLASSES), Fcn()).train()
    optimizer = torch.optim.Adam(model.parameters())
    targets, seconds = labels.long(), []
    for _ in range(STEPS):
        began = time.perf_counter()
        value = F.cross_entropy(model(images), targets, ignore_index=255)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    torch.manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (BATCH, SIZE, SIZE), dtype=torch.uint8)
    if sys.argv[1] == "fast":
        with freed_memory_kept():
            seconds = fast(images, labels)
    else:
        seconds = plain(images, labels)
    print(json.dumps({"images_per_second": BATCH / sorted(seconds[2:])[len(seconds[2:]) // 2]}))
