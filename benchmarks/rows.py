"""What is measured: each row is two commands that do the same work."""

from typing import NamedTuple


class Side(NamedTuple):
    """One side of a row.

    Attributes:
        script: A file of `ours` or `peers`.
        arguments: Its words; `{data}` is the data root, `{work}` a folder for what rows prepare, `{seed}` the number of
            the pair, from 0.
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
        runs_of: The row whose runs hold this one's figure; this one then has none of its own.
        cuda: Whether it wants a GPU.
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
    runs_of: str = ""
    cuda: bool = False

    def ratio(self, ours: dict[str, float], theirs: dict[str, float]) -> float:
        """How many times better ours is, of what one run of each side printed."""
        a, b = ours[self.figure], theirs[self.figure]
        return a / b if self.faster_is_more else b / a


TRAIN = "train smp's U-Net on ResNet-34 from scratch, CamVid, crops of 352×352, batch 8, data and augmentation included"
PEER = "smp + Lightning + albumentations, fp32"
PREDICT = "360×480 JPEG files to label PNG files by the same network"


def _train(precision: str = "", device: str = "cpu") -> Side:
    """An epoch; by the peer where Lightning's precision is given."""
    return Side("train.py", ("{data}", "{seed}", device, *([precision] if precision else [])), peer=bool(precision))


def _frozen(network: str) -> tuple[Side, Side]:
    return Side("frozen.py", ("{data}", network, "remembered")), Side("frozen.py", ("{data}", network, "plain"))


MAKE = Side("make_run.py", ("{data}", "{work}"))
EAGER = Side("predict.py", ("{work}/network.pt", "{work}/images", "{work}/out", "{data}"), peer=True)
_ROWS = [
    Row("train", TRAIN, PEER, _train(), _train("32-true"), target=2.4),
    Row("train-memory", "the same: peak memory", PEER, _train(), _train("32-true"), figure="peak_mib",
        target=1 / 0.7, faster_is_more=False, runs_of="train"),
    Row("train-bf16", "the same", "Lightning's bf16-mixed", _train(), _train("bf16-mixed"), target=1.25),
    Row("train-cuda", "the same on a GPU", "Lightning's bf16-mixed", _train(device="cuda"),
        _train("bf16-mixed", "cuda"), target=1.5, cuda=True),
    Row("predict-one", f"{PREDICT}, one after the other; OpenVINO, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "one", "openvino", "bf16")), EAGER, target=3.5, prepare=MAKE),
    Row("predict", f"{PREDICT}, as `pixelwise predict` does it; OpenVINO, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "openvino", "bf16")), EAGER, target=4, prepare=MAKE),
    Row("predict-int8", "the same; OpenVINO, int8", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "openvino", "int8", "{data}")), EAGER, target=4, prepare=MAKE),
    Row("predict-torch", "the same; torch, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "torch", "bf16")), EAGER, target=1, prepare=MAKE),
    Row("fcn-step", "training step of the reports' FCN, 224×224, batch 16", "eager, fp32, contiguous",
        Side("step.py", ("fast",)), Side("step.py", ("plain",)), target=2),
    Row("evaluate", "evaluate the same network on CamVid's validation split; OpenVINO, bf16", "smp, eager, fp32",
        Side("evaluate.py", ("{data}", "{work}")), Side("evaluate.py", ("{data}", "{work}/network.pt"), peer=True),
        target=4, prepare=MAKE),
    Row("frozen", "train a decoder on a frozen ResNet-34, CamVid at 224×224, batch 16, evaluation included",
        "only requires_grad set", *_frozen("resnet_fcn"), target=2),
    Row("frozen-deeplab", "train the head of a frozen DeepLabV3, CamVid at 128×160, batch 16, evaluation included",
        "only requires_grad set", *_frozen("deeplabv3"), target=2),
    Row("count", "count a confusion matrix, one core", "torchmetrics", Side("count.py", ("{data}",)),
        Side("count.py", ("{data}",), peer=True), figure="nanoseconds_per_pixel", target=1, faster_is_more=False),
]  # fmt: skip
ROWS = {row.name: row for row in _ROWS}
"""Every row by its name."""
