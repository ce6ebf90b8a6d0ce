"""A recipe of pixelwise on CamVid: the score of each epoch's weights with the minutes that they took.

Scored as the peers' curves are, by torchmetrics' confusion matrix over all pixels but void, at the original size.

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
from pixelwise.training import loop
from pixelwise.training.checkpoint import load_weights, save_weights

IGNORE = 255


def keeping(out):
    """The loop's own checkpoint, and each epoch's weights beside it: those that are evaluated."""
    real = loop.save_state

    def save(path, model, optimizer, state, average=None):
        real(path, model, optimizer, state, average)
        save_weights(out / f"{state.epoch}.safetensors", average.module if average else model, state.epoch)

    return save


def mean_iou(predictor, split):
    """Of the classes that occur, over the whole split."""
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
    loop.save_state = keeping(out)
    # Evaluated about as often as the peers are: a score between two validations would be seen too late. The weights' average,
    # as a curve looks at them before the schedule is through (docs/accuracy.md).
    experiment = recipes.get(name).with_values({"fit.minutes": minutes, "fit.val_every": "3", "fit.ema_decay": "0.999"})
    run = loop.train(experiment, data_root=root, out=out / "run")
    split = experiment.data.build("val", find_data_root(root))
    predictor, spent, curve = Predictor.load(run), 0.0, []
    for record in run.history():
        load_weights(out / f"{record.epoch}.safetensors", predictor.model)
        spent += record.seconds / 60
        curve.append({"epoch": record.epoch, "minutes": spent, "mean_iou": mean_iou(predictor, split)})
        print(curve[-1], flush=True)
    (out / "curve.json").write_text(json.dumps(curve))
