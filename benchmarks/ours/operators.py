"""Time of a training step by operator: smp's U-Net on ResNet-34, batches of 8 crops of 352×352, torch's profiler.

Prints the seconds of a step by operator as JSON.
"""

import json

import torch
from torch.profiler import ProfilerActivity, profile

from pixelwise.experiment import Fit, Optimizer
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.losses import CrossEntropy
from pixelwise.metrics import confusion
from pixelwise.models import Segmenter, Smp
from pixelwise.training.memory import freed_memory_kept
from pixelwise.training.optimizer import build_optimizer

BATCH, SIDE, CLASSES, WARM, STEPS = 8, 352, 11, 3, 5

if __name__ == "__main__":
    torch.manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (BATCH, SIDE, SIDE), dtype=torch.uint8)
    machine, spec = resolve_runtime(Fit()), Smp(weights=None)
    model = Segmenter(spec.build(CLASSES), spec, spec.mean, spec.std).to(memory_format=torch.channels_last).train()
    optimizer = build_optimizer(Optimizer(), model.parameters())
    loss = CrossEntropy().build(torch.ones(CLASSES, dtype=torch.int64))

    def step() -> None:
        """The step of pixelwise's training loop."""
        with machine.autocast():
            logits = model(images.contiguous(memory_format=torch.channels_last))
        value = loss(logits, labels)
        optimizer.zero_grad()
        value.mean.backward()
        optimizer.step()
        confusion.count(labels, logits.argmax(1), CLASSES)

    with freed_memory_kept():
        for _ in range(WARM):
            step()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            for _ in range(STEPS):
                step()
    seconds = {event.key: event.self_cpu_time_total / 1e6 / STEPS for event in seen.key_averages()}
    print(json.dumps(dict(sorted(seconds.items(), key=lambda item: -item[1]))))
