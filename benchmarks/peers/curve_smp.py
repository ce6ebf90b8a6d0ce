"""smp's CamVid example, trained from scratch: weights and training time of each epoch.

As in the example: Adam at 2e-4, cosine to 1e-5 by steps, the multi-class dice loss with 'unlabelled' as a class,
batches of 32 crops of 320×320 with its augmentation, and a validation after every epoch. The network is the example's
U-Net on ResNet-18, without pretrained weights. The schedule ends at the time limit.

Usage: curve_smp.py DATA_ROOT OUT MINUTES
"""

import json
import os
import sys
import time
from pathlib import Path

import albumentations as A  # the example's own import
import cv2
import lightning
import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch.utils.data import DataLoader, Dataset

CLASSES = 12
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRAINING = [
    A.HorizontalFlip(p=0.5),
    A.ShiftScaleRotate(scale_limit=0.5, rotate_limit=0, shift_limit=0.1, p=1, border_mode=0),
    A.PadIfNeeded(320, 320),
    A.RandomCrop(320, 320),
    A.GaussNoise(p=0.2),
    A.Perspective(p=0.5),
    A.OneOf([A.CLAHE(p=1), A.RandomBrightnessContrast(p=1), A.RandomGamma(p=1)], p=0.9),
    A.OneOf([A.Sharpen(p=1), A.Blur(blur_limit=3, p=1), A.MotionBlur(blur_limit=3, p=1)], p=0.9),
    A.OneOf([A.RandomBrightnessContrast(p=1), A.HueSaturationValue(p=1)], p=0.9),
]
VALIDATION = [A.PadIfNeeded(384, 480)]


class CamVidFolder(Dataset):
    """A split in SegNet's CamVid layout, with 'unlabelled' as the first class as in the example."""

    def __init__(self, root, split, changes):
        self.labels = sorted(Path(root, "camvid", f"{split}annot").glob("*.png"))
        images = {image.stem: image for image in Path(root, "camvid", split).iterdir()}
        self.images = [images[label.stem] for label in self.labels]
        self.change = A.Compose(changes)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = cv2.cvtColor(cv2.imread(str(self.images[index])), cv2.COLOR_BGR2RGB)
        labels = cv2.imread(str(self.labels[index]), cv2.IMREAD_UNCHANGED)
        changed = self.change(image=image, mask=(labels + 1) % CLASSES)
        return changed["image"].transpose(2, 0, 1), changed["mask"].astype(np.int64)


class CamVidModel(lightning.LightningModule):
    """The module of the example."""

    def __init__(self, out, minutes):
        super().__init__()
        self.model = smp.create_model("unet", "resnet18", None, in_channels=3, classes=CLASSES)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.loss = smp.losses.DiceLoss(smp.losses.MULTICLASS_MODE, from_logits=True)
        self.out, self.seconds, self.saving, self.times = out, 60 * minutes, 0.0, []

    def forward(self, image):
        """Logits of a batch of images, 0..255, as the example normalizes them."""
        return self.model((image - self.mean) / self.std)

    def _step(self, batch):
        logits = self(batch[0])
        counts = smp.metrics.get_stats(logits.argmax(1), batch[1], mode="multiclass", num_classes=CLASSES)
        return self.loss(logits, batch[1]), counts

    def training_step(self, batch):
        """Loss and counts of a step, as in the example."""
        return self._step(batch)[0]

    def validation_step(self, batch):
        """Validation, as in the example."""
        self._step(batch)

    def on_fit_start(self):
        """Starts the clock."""
        self.began = time.perf_counter()

    def on_train_batch_start(self, _batch, _number):
        """The schedule, which ends at the time limit."""
        share = min(1.0, self.spent() / self.seconds)
        for group in self.optimizers().param_groups:
            group["lr"] = 1e-5 + (2e-4 - 1e-5) * (1 + np.cos(np.pi * share)) / 2
        return -1 if share >= 1 else None

    def on_train_epoch_end(self):
        """Saves the weights; this time is not counted."""
        spent, before = self.spent(), time.perf_counter()
        self.times.append({"epoch": len(self.times) + 1, "minutes": spent / 60})
        torch.save(self.model.state_dict(), self.out / f"{len(self.times)}.pt")
        (self.out / "times.json").write_text(json.dumps(self.times))
        self.saving += time.perf_counter() - before
        self.trainer.should_stop = spent >= self.seconds

    def spent(self):
        """Seconds of training and validation."""
        return time.perf_counter() - self.began - self.saving

    def configure_optimizers(self):
        """The optimizer of the example."""
        return torch.optim.Adam(self.parameters(), lr=2e-4)


if __name__ == "__main__":
    root, out, minutes = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(0)
    workers = {"num_workers": os.cpu_count(), "persistent_workers": True}
    train = DataLoader(CamVidFolder(root, "train", TRAINING), 32, shuffle=True, **workers)
    val = DataLoader(CamVidFolder(root, "val", VALIDATION), 32, **workers)
    trainer = lightning.Trainer(
        max_epochs=-1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=1, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(CamVidModel(out, minutes), train, val)
