"""Ultralytics' YOLO26n-sem from its YAML file on CamVid: weights and training time of each epoch.

Default settings, except for the image size (480, that of CamVid) and no pretrained weights.

Usage: curve_yolo.py DATA_ROOT OUT MINUTES
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from ultralytics import YOLO

NAMES = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]
VOID = 255


def tree(root, out):
    """Makes CamVid in the layout that Ultralytics reads."""
    for split in ("train", "val"):
        for kind in ("images", "masks"):
            (out / kind / split).mkdir(parents=True, exist_ok=True)
        for file in sorted(Path(root, "camvid", f"{split}annot").glob("*.png")):
            labels = np.asarray(Image.open(file))
            Image.fromarray(np.where(labels >= len(NAMES), VOID, labels).astype(np.uint8)).save(
                out / "masks" / split / file.name
            )
            (image,) = Path(root, "camvid", split).glob(f"{file.stem}.*")
            (out / "images" / split / image.name).unlink(missing_ok=True)
            (out / "images" / split / image.name).symlink_to(image.resolve())
    said = {"path": str(out.resolve()), "train": "images/train", "val": "images/val", "masks_dir": "masks"}
    (out / "camvid.yaml").write_text(yaml.safe_dump({**said, "names": dict(enumerate(NAMES))}))
    return out / "camvid.yaml"


if __name__ == "__main__":
    root, out, minutes = sys.argv[1], Path(sys.argv[2]).resolve(), float(sys.argv[3])
    data, times = tree(root, out / "data"), []
    model = YOLO("yolo26n-sem.yaml")

    def begin(_trainer):
        """Starts the clock."""
        global began
        began = time.perf_counter()

    def saved(trainer):
        """Records the time after an epoch was trained and validated and its weights were saved."""
        times.append({"epoch": trainer.epoch + 1, "minutes": (time.perf_counter() - began) / 60})
        (out / "times.json").write_text(json.dumps(times))

    model.add_callback("on_train_start", begin)
    model.add_callback("on_model_save", saved)
    model.train(
        data=str(data), time=minutes / 60, imgsz=480, pretrained=False, device="cpu", workers=os.cpu_count(),
        save_period=1, project=str(out), name="run", exist_ok=True, plots=False, verbose=False,
    )  # fmt: skip
