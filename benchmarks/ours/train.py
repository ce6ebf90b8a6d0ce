"""Trains smp's U-Net on ResNet-34 as a user of pixelwise would, and prints the speed of the second epoch as JSON."""

import json
import resource
import sys
import tempfile
from pathlib import Path

from pixelwise.data import CamVid
from pixelwise.data.transforms import Augment
from pixelwise.engine.train import train
from pixelwise.experiment import Experiment, Fit, Optimizer
from pixelwise.models import Smp

experiment = Experiment(
    name="benchmarks/unet-resnet34",
    data=CamVid(),
    model=Smp(weights=None),
    augment=Augment(crop=(352, 352), hflip=0.5),
    fit=Fit(epochs=2, batch_size=8, optimizer=Optimizer(lr=1e-3)),
)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run = train(experiment, data_root=sys.argv[1], out=Path(folder, "run"))
        last = run.history()[-1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {"images_per_second": last.images_per_second, "loss": last.train_loss, "peak_mib": peak}
        print(json.dumps(found))
