"""Experiment: the configuration of a training as pure data, JSON both ways."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec
from pixelwise.core.user_code import UserFile, user_file_of
from pixelwise.data import Data
from pixelwise.data.transforms import Augment, Size
from pixelwise.losses import CrossEntropy, Loss
from pixelwise.models import Model

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AtLeastOne = Annotated[int, Field(ge=1)]
Monitor = Literal["val_loss", "val_mean_iou"]
"""A value that early stop and the best checkpoint monitor; lower is better for the loss, higher for mean IoU."""


class Optimizer(Spec):
    """Optimizer and its settings.

    Attributes:
        kind: Adam (Kingma, Ba 2015; weight decay as L2), AdamW (Loshchilov, Hutter 2019; decoupled) or SGD.
        lr: Learning rate, before the schedule.
        encoder_lr: Learning rate of the encoder, usually lower where the encoder starts from pretrained weights; None
            is `lr`.
        weight_decay: Weight decay, as torch defines it for each kind.
        momentum: Momentum of SGD; the others have none.
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
    """Learning-rate schedule.

    Attributes:
        kind: `constant`; `cosine`, from the optimizer's rate to `min_lr` over the whole training, advanced once per
            validation (Loshchilov, Hutter 2017, without restarts); or `one_cycle`, advanced with every step: cosine
            rise from a 25th of the optimizer's rate during the first tenth of the training, then cosine fall to 0
            (Smith, Topin, "Super-Convergence", 2019, in torch's form; momentum is constant).
        min_lr: Final rate of the cosine.
    """

    kind: Literal["constant", "cosine", "one_cycle"] = "constant"
    min_lr: NotNegative = 0

    @model_validator(mode="after")
    def _min_lr_needs_cosine(self) -> Self:
        if self.min_lr and self.kind != "cosine":
            raise ValueError("min_lr belongs to the cosine schedule")
        return self


class EarlyStop(Spec):
    """Ends training when the monitored value no longer improves.

    Attributes:
        monitor: Monitored value.
        patience: Number of validations in a row without a new best after which training ends.
    """

    monitor: Monitor = "val_loss"
    patience: AtLeastOne = 10


class Fit(Spec):
    """Training of an experiment. Either `epochs` or `minutes` says how long it takes.

    Attributes:
        epochs: Number of passes over the training images; a multiple of `val_every`. None where `minutes` is set.
        minutes: Time budget instead of `epochs`: wall time of training and validation, in minutes. The schedule follows
            the time, and the last epoch ends where just enough time is left to validate it. The result depends on the
            speed of the machine.
        val_every: Number of epochs between validations. With few images and a large validation split, a larger number
            leaves more time for training.
        batch_size: Images per step.
        optimizer: Optimizer and its learning rate.
        schedule: Learning-rate schedule.
        early_stop: Rule that ends training early, or None.
        monitor: Value that selects the best epoch, whose weights are saved as the best.
        grad_clip_norm: Maximum L2 norm of all gradients together, or None.
        ema_decay: Decay per step of an exponential moving average of weights and statistics, which is then evaluated
            and saved instead of the last weights; None keeps no average. The decay starts at (1 + step) / (10 + step),
            so that the random first weights are soon forgotten (Tarvainen, Valpola, "Mean teachers", 2017; warm-up as
            in TensorFlow).
        seed: Seed of everything random: first weights, order, augmentation.
        device: `auto` is CUDA, else MPS, else CPU.
        precision: Precision of the training step: `fp32`; `bf16` autocast; `auto` is bf16 where the hardware computes
            in it. Validation is always in fp32.
        memory_format: Memory layout of weights and images.
        compile: Whether to compile the training step with torch.compile. It needs a C++ compiler and a minute or more
            at the start, which pays off in a long run. The features of a frozen encoder are then computed in every
            epoch.
        workers: Number of processes that prepare samples; None is one per core beyond the first, at most 8. The number
            changes no pixel.
    """

    epochs: AtLeastOne | None = 20
    minutes: Positive | None = None
    val_every: AtLeastOne = 1
    batch_size: AtLeastOne = 16
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    early_stop: EarlyStop | None = None
    monitor: Monitor = "val_mean_iou"
    grad_clip_norm: Positive | None = None
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    memory_format: Literal["contiguous", "channels_last"] = "channels_last"
    compile: bool = False
    workers: Annotated[int, Field(ge=0, le=64)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _minutes_replace_default_epochs(cls, values: Any) -> Any:
        return _without_other_length(dict(values)) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.minutes is not None:
            raise ValueError(
                f"epochs={self.epochs} and minutes={self.minutes:g} are both set; set one of them, and the other is"
                " replaced"
            )
        if self.epochs is None and self.minutes is None:
            raise ValueError("neither epochs nor minutes is set; set one of them")
        if self.epochs is not None and self.epochs % self.val_every:
            below = self.epochs // self.val_every * self.val_every
            valid = " or ".join(str(epochs) for epochs in (below, below + self.val_every) if epochs)
            raise ValueError(
                f"epochs={self.epochs} is not a multiple of val_every={self.val_every}, the number of epochs between"
                f" validations; the nearest valid number of epochs is {valid}"
            )
        return self

    def replace(self, **fields: Any) -> Self:
        """See `Spec.replace`. Setting `minutes` alone replaces the epochs, and the reverse."""
        return super().replace(**_without_other_length(fields))


def _without_other_length(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with `epochs` or `minutes` set to None where only the other one is given."""
    for given, other in (("minutes", "epochs"), ("epochs", "minutes")):
        if fields.get(given) is not None and other not in fields:
            return {**fields, other: None}
    return fields


class Experiment(Spec):
    """Everything that decides a result, except the machine.

    Attributes:
        name: Name of the recipe, `<data set>/<what>` or `<report>/<system>`.
        data: Data set.
        model: Network.
        loss: Loss.
        image_size: (H, W) that images are resized to before the network, in training and prediction; None keeps the
            size of each image. Results are always evaluated at the original size.
        augment: Augmentation of training images.
        fit: Training.
        watch: Names of classes whose IoU is plotted by epoch; empty selects some automatically.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*$")] = "experiment"
    data: Data
    model: Model
    loss: Loss = CrossEntropy()
    image_size: Size | None = None
    augment: Augment = Augment()
    fit: Fit = Fit()
    watch: tuple[str, ...] = ()

    def with_values(self, values: Mapping[str, str]) -> Self:
        """See `Spec.with_values`. Another data set has other classes: `watch` is then empty, unless it is given too."""
        if not values.keys().isdisjoint({"data", "data.kind"}) and "watch" not in values:
            values = {**values, "watch": "[]"}
        return super().with_values(values)

    def code_files(self) -> list[UserFile]:
        """Source files of the user's own components, each once.

        Raises:
            InvalidSpec: Two different files have the same name, so that a run folder cannot hold both.
        """
        files: dict[str, UserFile] = {}
        for part in (self.data, self.model, self.loss):
            if ".py:" in part.kind:
                file = user_file_of(type(part))
                other = files.setdefault(file.path.name, file)
                if other.content != file.content:
                    raise InvalidSpec(
                        f"{other.path} and {file.path} have the same name: rename one, a run keeps a copy of both."
                    )
        return list(files.values())
