"""The numbers of a run as data: of an epoch, and of a judged split. Scores are 0..1, None where undefined."""

from pixelwise.core.spec import Spec


class EpochRecord(Spec):
    """One line of history.jsonl. Losses are means over valid pixels, scores 0..1, None where undefined.

    Attributes:
        epoch: 1 for the first.
        lr: Learning rate at the start of the epoch; `one_cycle` moves on from there.
        train_loss: Mean over the epoch's batches, taken while the weights moved.
        train_mean_iou: Of the same batches, augmented.
        train_pixel_accuracy: Of the same batches, augmented.
        val_loss: At the images' original size.
        val_mean_iou: At the images' original size.
        val_pixel_accuracy: At the images' original size.
        val_iou: Class name -> IoU.
        best: Whether this epoch became the best so far.
        seconds: Wall time of the epoch, judging included.
        images: Training images that it saw; fewer in an epoch that the time ended. None in old runs.
        images_per_second: Training images by training time, judging left out.
        peak_mib: The most memory that the process has held until then, the GPU's where it computes there. None in old
            runs, and where the system does not tell.
    """

    epoch: int
    lr: float
    train_loss: float | None
    train_mean_iou: float | None
    train_pixel_accuracy: float | None
    val_loss: float | None
    val_mean_iou: float | None
    val_pixel_accuracy: float | None
    val_iou: dict[str, float | None]
    best: bool
    seconds: float
    images_per_second: float
    images: int | None = None
    peak_mib: int | None = None

    @property
    def judging_seconds(self) -> float:
        """Wall time of everything but training; all of it where the number of images is not known."""
        return self.seconds - (self.images or 0) / self.images_per_second


class Scores(Spec):
    """Scores of a predictor on a split, 0..1, None where undefined."""

    mean_iou: float | None
    classes_in_mean: int
    pixel_accuracy: float | None
    mean_accuracy: float | None
    frequency_weighted_iou: float | None
    iou: dict[str, float | None]


class MeanIou(Spec):
    """A mean IoU with what it is the mean of.

    Attributes:
        mean_iou: Mean over the entries that are defined.
        classes_in_mean: How many those are.
        iou: Name -> IoU.
    """

    mean_iou: float | None
    classes_in_mean: int
    iou: dict[str, float | None]


class Trivial(Scores):
    """Scores of the predictor that gives every pixel the training split's commonest class."""

    predicts: str


class SplitResult(Scores):
    """Scores of a run's best checkpoint on one split.

    Attributes:
        split: Which one.
        images: How many.
        published_images: How many the split has as published, None where it has no published size. Fewer images than
            that are a subset, whose scores compare with no published ones.
        epoch: Whose weights were judged.
        loss: Mean over valid pixels, None where undefined.
        trivial: The predictor to beat.
        confusion_matrix: Pixels; rows are the true class, columns the predicted one.
        official: By the data set's own evaluation, where that leaves out classes which were learnt.
        groups: Grouping -> IoU of its groups of classes, where the data set defines any.
        views: How each image was looked at, in words; empty for one look at it as it is.
        interval: Ends of the 95% interval of the mean IoU, by drawing the images again; None in old results and of a
            single image.
    """

    split: str
    images: int
    published_images: int | None
    epoch: int
    loss: float | None
    trivial: Trivial
    confusion_matrix: tuple[tuple[int, ...], ...]
    official: MeanIou | None = None
    groups: dict[str, MeanIou] = {}
    views: str = ""
    interval: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The split, and the views where there were several: no two results of a run share a name."""
        return f"{self.split}, {self.views}" if self.views else self.split

    @property
    def size(self) -> str:
        """Number of images, in words that say so where it is a subset."""
        subset = self.published_images is not None and self.images < self.published_images
        return f"subset of {self.images} of {self.published_images} images" if subset else f"{self.images} images"

    @property
    def title(self) -> str:
        """Split, number of images, epoch and views, in words."""
        return f"{self.split} split, {self.size}, epoch {self.epoch}{self.views and f'; {self.views}'}"
