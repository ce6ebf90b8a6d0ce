"""Growth of the cost with the pixels, classes and images of a training step, and with the images of a data set.

Prints lists of [size, seconds] as JSON. Usage: scaling.py DATA_ROOT WORK
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from statistics import median

import torch
from step import fast  # beside this program

from pixelwise.data import CamVid
from pixelwise.data.cache import folder, with_cache
from pixelwise.data.files import PairedFiles
from pixelwise.training.memory import freed_memory_kept


def step_seconds(side: int, classes: int, batch: int) -> float:
    """Median duration of a training step of the reports' FCN."""
    images = torch.randint(0, 256, (batch, 3, side, side), dtype=torch.uint8)
    labels = torch.randint(0, classes, (batch, side, side), dtype=torch.uint8)
    return median(fast(images, labels, classes)[2:])


def steps() -> dict[str, list[list[float]]]:
    """Seconds of a step by number of pixels, classes and images."""
    return {
        "pixels of an image": [[side**2, step_seconds(side, 21, 4)] for side in (64, 128, 256, 512)],
        "classes": [[classes, step_seconds(224, classes, 4)] for classes in (2, 21, 64, 250)],
        "images of a batch": [[batch, step_seconds(224, 21, batch)] for batch in (1, 2, 4, 8, 16, 32)],
    }


def opening_seconds(images: int, root: Path) -> tuple[float, float]:
    """Seconds to open some of CamVid's images: the first time, which decodes them, and again, from the cache."""
    split = CamVid().build("train", root)
    assert isinstance(split, PairedFiles)
    some = PairedFiles(split.pairs[:images], split.label_space)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        with_cache(some, CamVid(), workers=1)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    root, work = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ["PIXELWISE_CACHE"] = str(work / "scaling")
    shutil.rmtree(folder(), ignore_errors=True)
    opened = {images: opening_seconds(images, root) for images in (46, 92, 184, 367)}
    shutil.rmtree(folder())
    with freed_memory_kept():
        found = steps()
    found |= {
        "images of a data set, first opened": [[images, first] for images, (first, _) in opened.items()],
        "images of a data set, opened again": [[images, again] for images, (_, again) in opened.items()],
    }
    print(json.dumps(found))
