"""What was asked: an experiment as pure data, JSON both ways."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pixelwise.core.spec import Spec
from pixelwise.data import Data
from pixelwise.data.transforms import Augment, Size
from pixelwise.losses import CrossEntropy, Loss
from pixelwise.models import Model

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AtLeastOne = Annotated[int, Field(ge=1)]
Monitor = Literal["val_loss", "val_mean_iou"]
"""What early stop and the best checkpoint look at; it fixes the direction (loss down, mean IoU up)."""


class Optimizer(Spec):
    """How weights move.

    Attributes:
        kind: Adam (Kingma, Ba 2015; weight decay as L2), AdamW (Loshchilov, Hutter 2019; decoupled) or SGD.
        lr: Learning rate, before the schedule.
        encoder_lr: The same for what lies in the network's `encoder`, usually less where that begins with published
            weights and the rest from chance; None is `lr`.
        weight_decay: As torch defines it for each kind.
        momentum: SGD's; the others have none.
    """

    kind: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Positive = 1e-3
    encoder_lr: Positive | None = None
    weight_decay: NotNegative = 0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0

    @model_validator(mode="after")
    def _momentum_is_sgds(self) -> Self:
        if self.momentum and self.kind != "sgd":
            raise ValueError(f"momentum belongs to sgd; {self.kind} has none (set fit.optimizer.momentum=0)")
        return self


class Schedule(Spec):
    """How the learning rate changes.

    Attributes:
        kind: `constant`; `cosine` from the optimizer's rate to `floor` over all epochs, or all minutes, once an epoch
            (Loshchilov, Hutter 2017, without restarts); or `one_cycle`, which changes with every step: it rises
            from a 25th of the optimizer's rate during the first tenth of the training and then falls to 0, both as
            cosines (Smith, Topin, "Super-Convergence", 2019, in torch's form; momentum stays as it is).
        floor: Where the cosine ends.
    """

    kind: Literal["constant", "cosine", "one_cycle"] = "constant"
    floor: NotNegative = 0

    @model_validator(mode="after")
    def _floor_is_cosines(self) -> Self:
        if self.floor and self.kind != "cosine":
            raise ValueError("floor belongs to the cosine schedule")
        return self


class EarlyStop(Spec):
    """Ends training when nothing improves.

    Attributes:
        monitor: What has to improve.
        patience: Stop after this many epochs in a row without a new best.
    """

    monitor: Monitor = "val_loss"
    patience: AtLeastOne = 10


class Fit(Spec):
    """How an experiment trains.

    Attributes:
        epochs: How often the network is judged; between two judgings lie `passes`.
        minutes: Instead of `epochs`: wall time of training and judging, in minutes. The schedule follows the time, and
            the last epoch ends where there is just enough left to judge it. How far a run gets depends on the machine.
        passes: How often an epoch sees each training image. With few images and a large validation split, more leave
            less time to judging.
        batch_size: Images in a step.
        optimizer: How weights move.
        schedule: How the learning rate changes.
        early_stop: When to end before the last epoch, or None.
        best: Which epoch's weights are kept as the best.
        clip: Largest L2 norm of all gradients together, or None.
        ema: Decay of a step, to judge and keep the exponential moving average of the weights and statistics instead of
            the last ones; None keeps those. It starts lower, at (1 + step) / (10 + step), so that the first, random
            weights are soon forgotten (Tarvainen, Valpola, "Mean teachers", 2017; ramp as in TensorFlow).
        seed: Decides everything random: first weights, order, augmentation.
        device: `auto` is CUDA, else MPS, else CPU.
        precision: Of the training step: `fp32`; `bf16` autocast; `auto` takes bf16 where the hardware computes in it.
            Judging and predicting are always in fp32.
        memory_format: Layout of weights and images in memory.
        compile: Whether torch compiles the training step. It wants a C++ compiler and takes a minute or more first,
            which a long run gets back. A frozen encoder's features are then computed in every epoch.
        workers: Processes that prepare samples; `None` is one for each core beyond the first, at most 8. The number
            changes no pixel.
    """

    epochs: AtLeastOne = 20
    minutes: Positive | None = None
    passes: AtLeastOne = 1
    batch_size: AtLeastOne = 16
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    early_stop: EarlyStop | None = None
    best: Monitor = "val_mean_iou"
    clip: Positive | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    memory_format: Literal["contiguous", "channels_last"] = "channels_last"
    compile: bool = False
    workers: Annotated[int, Field(ge=0, le=64)] | None = None


class Experiment(Spec):
    """Everything that decides a result, except the machine.

    Attributes:
        name: The recipe's name, `<data set>/<what>` or `<report>/<system>`.
        data: What to learn from.
        model: The network.
        loss: What is minimised.
        size: (H, W) that images are brought to before the network, in training and predicting; None keeps each image's
            own. Results are always judged at the images' original size.
        augment: What happens to training images.
        fit: How to train.
        watch: Names of classes whose IoU is drawn by epoch; empty lets the picture choose.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*$")]
    data: Data
    model: Model
    loss: Loss = CrossEntropy()
    size: Size | None = None
    augment: Augment = Augment()
    fit: Fit = Fit()
    watch: tuple[str, ...] = ()

    def with_values(self, values: Mapping[str, str]) -> Self:
        """See `Spec.with_values`. Another data set has other classes: `watch` is then empty, unless it is given too."""
        if not values.keys().isdisjoint({"data", "data.kind"}) and "watch" not in values:
            values = {**values, "watch": "[]"}
        return super().with_values(values)
