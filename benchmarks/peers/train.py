"""The same training with segmentation-models-pytorch, Lightning and albumentations, after smp's CamVid example.

As in the example: `smp.create_model`, a LightningModule, albumentations on NumPy images read by OpenCV, Adam. Crops,
flips, batch size and loss are those of pixelwise's side, so that both do the same work. The example's other
augmentation is left out, which favors this side.

Usage: train.py DATA_ROOT SEED DEVICE PRECISION, device being cpu or cuda, precision Lightning's (32-true, bf16-mixed).
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import albumentations
import cv2
import lightning
import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch.utils.data import DataLoader, Dataset
from torchmetrics.classification import MulticlassJaccardIndex

CLASSES, VOID, CROP, BATCH = 11, 255, 352, 8
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class CamVidFolder(Dataset):
    """A split in SegNet's CamVid layout: RGB images and label maps of 0..11, where 11 is void."""

    def __init__(self, root, split, changes):
        self.labels = sorted(Path(root, "camvid", f"{split}annot").glob("*.png"))
        images = {image.stem: image for image in Path(root, "camvid", split).iterdir()}
        self.images = [images[label.stem] for label in self.labels]
        self.change = albumentations.Compose(changes)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = cv2.cvtColor(cv2.imread(str(self.images[index])), cv2.COLOR_BGR2RGB)
        labels = cv2.imread(str(self.labels[index]), cv2.IMREAD_UNCHANGED)
        labels = np.where(labels == CLASSES, VOID, labels)
        changed = self.change(image=image, mask=labels)
        return changed["image"].transpose(2, 0, 1), changed["mask"].astype(np.int64)


class CamVidModel(lightning.LightningModule):
    """Network, normalization as buffers, loss, and counts for the metric, as in the example."""

    def __init__(self):
        super().__init__()
        self.model = smp.create_model(
            "unet", encoder_name="resnet34", encoder_weights=None, in_channels=3, classes=CLASSES
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.losses = []

    def forward(self, image):
        """Logits of a batch of images, 0..255."""
        return self.model((image / 255.0 - self.mean) / self.std)

    def training_step(self, batch):
        """Loss and counts of a step, as in the example."""
        image, labels = batch
        logits = self(image)
        loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=VOID)
        smp.metrics.get_stats(logits.argmax(1), labels, mode="multiclass", num_classes=CLASSES, ignore_index=VOID)
        self.losses.append(loss.detach())
        return loss

    def on_train_epoch_start(self):
        """Starts the clock."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self):
        """Stops the clock."""
        self.seconds = time.perf_counter() - self.began

    def configure_optimizers(self):
        """The optimizer of the example."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def val_mean_iou(model, root):
    """Mean IoU of all pixels of the validation split, at 360×480, padded by ImageNet's mean color to 384×480."""
    pad = albumentations.PadIfNeeded(
        384, 480, position="top_left", border_mode=cv2.BORDER_CONSTANT, fill=(124, 116, 104), fill_mask=VOID
    )
    metric = MulticlassJaccardIndex(CLASSES, ignore_index=VOID)
    with torch.inference_mode():
        for image, labels in DataLoader(CamVidFolder(root, "val", [pad]), BATCH):
            metric.update(model.eval()(image).argmax(1), labels)
    return float(metric.compute())


if __name__ == "__main__":
    root, seed, device, precision = sys.argv[1:]
    lightning.seed_everything(int(seed))
    changes = [albumentations.RandomCrop(CROP, CROP), albumentations.HorizontalFlip(p=0.5)]
    data = CamVidFolder(root, "train", changes)
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=os.cpu_count(), persistent_workers=True)
    model = CamVidModel()
    trainer = lightning.Trainer(
        max_epochs=1, precision=precision, accelerator=device, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(model, loader)
    found = {
        "images_per_second": len(data) / model.seconds,
        "loss": float(torch.stack(model.losses).mean()),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "val_mean_iou": val_mean_iou(model, root),
    }
    print(json.dumps(found))
