"""Scores of the weights of every epoch of another tool, on CamVid's validation split at the original size.

The score is computed with torchmetrics' confusion matrix over all valid pixels, independent of the tool's own output.

Usage: curve_score.py smp|yolo DATA_ROOT OUT
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchmetrics.classification import MulticlassConfusionMatrix

CLASSES = 11


def by_smp(out):
    """Epoch -> a function from an image file to class ids."""
    import cv2
    from curve_smp import VALIDATION, A, CamVidModel  # beside this program

    pad = A.Compose(VALIDATION)
    crop = A.CenterCrop(360, 480)

    def load(epoch):
        model = CamVidModel(out, 1).eval()
        model.model.load_state_dict(torch.load(out / f"{epoch}.pt", weights_only=True))

        def classes(file):
            image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
            padded = torch.from_numpy(pad(image=image)["image"]).permute(2, 0, 1)[None]
            found = model(padded)[0, 1:].argmax(0)  # without 'unlabelled', the example's class 0
            return crop(image=found.numpy().astype(np.uint8))["image"]

        return classes

    return load


def by_yolo(out):
    """The same for the checkpoints of Ultralytics, which contain the averaged weights."""
    from ultralytics import YOLO

    def load(epoch):
        model = YOLO(out / "run" / "weights" / f"epoch{epoch - 1}.pt")

        def classes(file):
            (found,) = model.predict(str(file), imgsz=480, device="cpu", verbose=False)
            return found.semantic_mask.data.cpu().numpy().squeeze()

        return classes

    return load


def mean_iou(classes, root):
    """Mean IoU of the classes that occur, over the whole split."""
    counts = MulticlassConfusionMatrix(CLASSES, ignore_index=CLASSES)
    for file in sorted(Path(root, "camvid", "valannot").glob("*.png")):
        (image,) = Path(root, "camvid", "val").glob(f"{file.stem}.*")
        labels = torch.from_numpy(np.asarray(Image.open(file)).astype(np.int64))
        counts.update(torch.from_numpy(classes(image).astype(np.int64))[None], labels[None])
    matrix = counts.compute().double()
    hit = matrix.diagonal()
    return float((hit / (matrix.sum(0) + matrix.sum(1) - hit)).nanmean())


if __name__ == "__main__":
    kind, root, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    load = {"smp": by_smp, "yolo": by_yolo}[kind](out)
    curve = []
    with torch.inference_mode():
        for time in json.loads((out / "times.json").read_text()):
            curve.append({**time, "mean_iou": mean_iou(load(time["epoch"]), root)})
            print(curve[-1], flush=True)
    (out / "curve.json").write_text(json.dumps(curve))
