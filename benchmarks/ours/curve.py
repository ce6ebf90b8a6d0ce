"""A recipe of pixelwise on CamVid: score and training time of the weights of each validated epoch.

The score is computed as for the other tools: torchmetrics' confusion matrix over all valid pixels, at original size.

Usage: curve.py DATA_ROOT OUT MINUTES RECIPE
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torchmetrics.classification import MulticlassConfusionMatrix

from pixelwise import recipes
from pixelwise.data.base import find_data_root
from pixelwise.inference.predictor import Predictor
from pixelwise.inference.weights import fill_model, load_tensors, save_tensors
from pixelwise.training import loop

IGNORE = 255


def with_all_weights(save_state, out):
    """`save_state` that also keeps the evaluated weights of every validated epoch."""

    def save(run, model, optimizer, state, average=None):
        save_state(run, model, optimizer, state, average)
        kept = average.module if average else model
        save_tensors(out / f"{state.epoch}.safetensors", kept.state_dict(), {"epoch": str(state.epoch)})

    return save


def mean_iou(predictor, split):
    """Mean IoU of the classes that occur, over the whole split."""
    counts = MulticlassConfusionMatrix(split.label_space.num_classes, ignore_index=IGNORE)
    for image, labels, _ in split:
        found = predictor(image.permute(1, 2, 0).numpy())
        counts.update(torch.from_numpy(found.astype(np.int64))[None], labels.long()[None])
    matrix = counts.compute().double()
    hit = matrix.diagonal()
    return float((hit / (matrix.sum(0) + matrix.sum(1) - hit)).nanmean())


if __name__ == "__main__":
    root, out, minutes, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    out.mkdir(parents=True, exist_ok=True)
    loop.save_state = with_all_weights(loop.save_state, out)
    # Validated about as often as the other tools, because a score between two validations is not seen. With an average
    # of the weights, because the curve shows them before the end of the schedule (docs/accuracy.md).
    experiment = recipes.get(name).with_values({"fit.minutes": minutes, "fit.val_every": "3", "fit.ema_decay": "0.999"})
    run = loop.train(experiment, data_root=root, out=out / "run")
    split = experiment.data.build("val", find_data_root(root))
    predictor, spent, curve = Predictor.load(run), 0.0, []
    for record in run.history():
        file = out / f"{record.epoch}.safetensors"
        fill_model(predictor.model, load_tensors(file)[0], file)
        spent += record.seconds / 60
        curve.append({"epoch": record.epoch, "minutes": spent, "mean_iou": mean_iou(predictor, split)})
        print(curve[-1], flush=True)
    (out / "curve.json").write_text(json.dumps(curve))
