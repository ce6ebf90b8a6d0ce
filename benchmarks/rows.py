"""What is measured: each row is two commands that do the same work."""

from typing import NamedTuple


class Side(NamedTuple):
    """One side of a row.

    Attributes:
        script: A file of `ours` or `peers`.
        arguments: Its words; `{data}` is the data root, `{work}` a folder for what rows prepare.
        peer: Whether it runs in the peers' environment.
    """

    script: str
    arguments: tuple[str, ...] = ()
    peer: bool = False


class Row(NamedTuple):
    """Two sides and what is compared.

    Attributes:
        name: Of the row.
        work: What both do.
        peer: Whom pixelwise is compared with.
        ours: Pixelwise's side.
        theirs: The other.
        figure: Which figure of what they print is compared.
        target: The ratio that was set as the goal.
        faster_is_more: Whether a larger figure is the better one.
        prepare: Run once before.
    """

    name: str
    work: str
    peer: str
    ours: Side
    theirs: Side
    figure: str = "images_per_second"
    target: float = 1
    faster_is_more: bool = True
    prepare: Side | None = None

    def ratio(self, ours: float, theirs: float) -> float:
        """How many times better ours is."""
        return ours / theirs if self.faster_is_more else theirs / ours


TRAIN = "train smp's U-Net on ResNet-34, CamVid, crops of 352×352, batch 8, an epoch with data and augmentation"
PREDICT = "predict 360×480 JPEG files to label PNG files, the same network"
MAKE = Side("make_run.py", ("{data}", "{work}"))
_ROWS = [
    Row("train", TRAIN, "smp + Lightning + albumentations, fp32", Side("train.py", ("{data}",)),
        Side("train.py", ("{data}", "32-true"), peer=True), target=2.4),
    Row("train-bf16", TRAIN, "the same with Lightning's bf16-mixed", Side("train.py", ("{data}",)),
        Side("train.py", ("{data}", "bf16-mixed"), peer=True), target=1.25),
    Row("train-memory", f"{TRAIN}: peak memory", "smp + Lightning + albumentations, fp32",
        Side("train.py", ("{data}",)), Side("train.py", ("{data}", "32-true"), peer=True), figure="peak_mib",
        target=1 / 0.7, faster_is_more=False),
    Row("predict", PREDICT, "smp, eager, fp32, one by one",
        Side("predict.py", ("{work}/run", "{work}/images", "openvino", "bf16")),
        Side("predict.py", ("{work}/network.pt", "{work}/images"), peer=True), target=3.5, prepare=MAKE),
    Row("predict-torch", f"{PREDICT}, by torch", "smp, eager, fp32, one by one",
        Side("predict.py", ("{work}/run", "{work}/images", "torch", "bf16")),
        Side("predict.py", ("{work}/network.pt", "{work}/images"), peer=True), target=1, prepare=MAKE),
    Row("fcn-step", "training step of the reports' FCN, 224×224, batch 16", "eager, fp32, contiguous",
        Side("step.py", ("fast",)), Side("step.py", ("plain",)), target=2),
    Row("frozen", "train a decoder on a frozen ResNet-34, CamVid at 224×224, batch 16, judging included",
        "only requires_grad set", Side("frozen.py", ("{data}", "remembered")), Side("frozen.py", ("{data}", "plain")),
        target=2),
    Row("count", "count a confusion matrix, one core", "torchmetrics", Side("count.py", ("{data}",)),
        Side("count.py", ("{data}",), peer=True), figure="nanoseconds_per_pixel", target=1, faster_is_more=False),
]  # fmt: skip
ROWS = {row.name: row for row in _ROWS}
"""Every row by its name."""
