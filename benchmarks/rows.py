"""The rows of the benchmark: each is two commands that do the same work."""

from typing import NamedTuple


class Side(NamedTuple):
    """One side of a row.

    Attributes:
        script: A file of `ours` or `peers`.
        arguments: Its arguments; `{data}` is the data root, `{work}` the folder of prepared files, `{seed}` the number
            of the pair, from 0.
        peer: Whether it runs in the environment of the other libraries.
    """

    script: str
    arguments: tuple[str, ...] = ()
    peer: bool = False


class Row(NamedTuple):
    """Two sides and the figure that is compared.

    Attributes:
        name: Name of the row.
        work: Work of both sides.
        peer: The library or mode that pixelwise is compared with.
        ours: Side of pixelwise.
        theirs: The other side.
        figure: Key of the compared figure in the output of both.
        target: Ratio that was set as the goal before the measurement.
        faster_is_more: Whether a larger figure is better.
        prepare: Command that runs once before the row.
        runs_of: Row whose measurements contain this row's figure; this one then has none of its own.
        cuda: Whether it needs a GPU.
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
        """Ratio of one pair of measurements; above 1, ours is better."""
        a, b = ours[self.figure], theirs[self.figure]
        return a / b if self.faster_is_more else b / a


TRAIN = (
    "training of smp's U-Net on ResNet-34 from scratch; CamVid, crops of 352×352, batch size 8, including data loading"
    " and augmentation"
)
PEER = "smp + Lightning + albumentations, fp32"
PREDICT = "prediction of 360×480 JPEG files to label PNG files with the same network"


def _train(precision: str = "", device: str = "cpu") -> Side:
    """One epoch; by the other libraries if Lightning's precision is given."""
    return Side("train.py", ("{data}", "{seed}", device, *([precision] if precision else [])), peer=bool(precision))


def _frozen(network: str) -> tuple[Side, Side]:
    return Side("frozen.py", ("{data}", network, "cached")), Side("frozen.py", ("{data}", network, "plain"))


MAKE = Side("make_run.py", ("{data}", "{work}"))
EAGER = Side("predict.py", ("{work}/network.pt", "{work}/images", "{work}/out", "{data}"), peer=True)
_ROWS = [
    Row("train", TRAIN, PEER, _train(), _train("32-true"), target=2.4),
    Row("train-memory", "the same training: peak memory", PEER, _train(), _train("32-true"), figure="peak_mib",
        target=1 / 0.7, faster_is_more=False, runs_of="train"),
    Row("train-bf16", "the same training", "Lightning's bf16-mixed", _train(), _train("bf16-mixed"), target=1.25),
    Row("train-cuda", "the same training on a GPU", "Lightning's bf16-mixed", _train(device="cuda"),
        _train("bf16-mixed", "cuda"), target=1.5, cuda=True),
    Row("predict-one", f"{PREDICT}, one image at a time; OpenVINO, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "one", "openvino", "bf16")), EAGER, target=3.5, prepare=MAKE),
    Row("predict", f"{PREDICT}, with `pixelwise predict`; OpenVINO, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "openvino", "bf16")), EAGER, target=4, prepare=MAKE),
    Row("predict-int8", "the same with `pixelwise predict`; OpenVINO, int8", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "openvino", "int8", "{data}")), EAGER, target=4, prepare=MAKE),
    Row("predict-torch", "the same with `pixelwise predict`; torch, bf16", "smp, eager, fp32",
        Side("predict.py", ("{work}", "bulk", "torch", "bf16")), EAGER, target=1, prepare=MAKE),
    Row("fcn-step", "training step of the reports' FCN, 224×224, batch size 16", "eager, fp32, contiguous",
        Side("step.py", ("fast",)), Side("step.py", ("plain",)), target=2),
    Row("evaluate", "evaluation of the same network on CamVid's validation split; OpenVINO, bf16", "smp, eager, fp32",
        Side("evaluate.py", ("{data}", "{work}")), Side("evaluate.py", ("{data}", "{work}/network.pt"), peer=True),
        target=4, prepare=MAKE),
    Row("frozen", "training of a decoder on a frozen ResNet-34; CamVid at 224×224, batch size 16, including validation",
        "`requires_grad=False` only", *_frozen("resnet_fcn"), target=2),
    Row("frozen-deeplab",
        "training of the head of a frozen DeepLabV3; CamVid at 128×160, batch size 16, including validation",
        "`requires_grad=False` only", *_frozen("deeplabv3"), target=2),
    Row("count", "counting of a confusion matrix on one core", "torchmetrics", Side("count.py", ("{data}",)),
        Side("count.py", ("{data}",), peer=True), figure="nanoseconds_per_pixel", target=1, faster_is_more=False),
]  # fmt: skip
ROWS = {row.name: row for row in _ROWS}
"""Name -> row."""
