"""One epoch of training of smp's U-Net on ResNet-34 with pixelwise; prints speed, loss, score and memory as JSON.

On both sides, the speed includes data loading and augmentation, and excludes the validation.

Usage: train.py DATA_ROOT SEED DEVICE, DEVICE being cpu or cuda.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

from work import gflop_of_a_step  # beside this program

from pixelwise.data import CamVid
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.models import Smp
from pixelwise.training.loop import train

if __name__ == "__main__":
    root, seed, device = sys.argv[1:]
    experiment = Experiment(
        name="benchmarks/unet-resnet34",
        data=CamVid(),
        model=Smp(weights=None),
        augment=Augment(crop=(352, 352), hflip=0.5),
        fit=Fit(epochs=1, batch_size=8, optimizer=Optimizer(lr=1e-3), seed=int(seed), device=device),
    )
    with tempfile.TemporaryDirectory() as folder:
        (record,) = train(experiment, data_root=root, out=Path(folder, "run")).history()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "images_per_second": record.images_per_second,
        "loss": record.train_loss,
        "val_mean_iou": record.val_mean_iou,
        "peak_mib": peak,
        "gflop_per_image": gflop_of_a_step(experiment.model.build(11), 352),
    }
    print(json.dumps(found))
