"""Preflight: mistakes are found before a run folder exists, each in one sentence."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from pixelwise.core.errors import DataError, InvalidSpec, PixelwiseError, RunError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data import DataSpec, Sample, Shapes
from pixelwise.experiment import Experiment
from pixelwise.losses import LossSpec, LossValue
from pixelwise.models import Fcn, ModelSpec, ResnetAspp, Unet
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.training.preflight import check_network
from tests.networks import Small

POOLED = ResnetAspp(encoder="resnet18", weights=None)


class Network(ModelSpec):
    """A network that is wrong in a chosen way."""

    kind: str = f"{__file__}:Network"
    mistake: str = ""

    def build(self, num_classes: int) -> nn.Module:
        if self.mistake == "no module":
            return lambda images: images  # type: ignore[return-value]  # the mistake
        return Wrong(num_classes, self.mistake)


class Wrong(nn.Module):
    def __init__(self, num_classes: int, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake
        self.layer = nn.Conv2d(3, num_classes - (mistake == "one class less"), 1, 2 if mistake == "half size" else 1)

    def forward(self, images: Tensor) -> Any:
        if self.mistake == "fails":
            raise KeyError("features")
        logits = self.layer(images)
        if self.mistake == "no meta" and images.device.type == "meta":
            raise NotImplementedError("this operation has no meta kernel")
        return {"out": logits} if self.mistake == "dictionary" else logits


class Loss(LossSpec):
    """A loss that is wrong in a chosen way."""

    kind: str = f"{__file__}:Loss"
    mistake: str = ""

    def build(self, pixel_counts: Tensor) -> Any:
        return WrongLoss(self.mistake)


class WrongLoss(nn.Module):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def forward(self, logits: Tensor, labels: Tensor) -> Any:
        losses = nn.functional.cross_entropy(logits, labels.long(), ignore_index=255, reduction="none")
        count = (labels != 255).sum()
        wrong: dict[str, Callable[[], Any]] = {
            "scalar": losses.mean,
            "tuple": lambda: (losses.sum(), count),
            "map": lambda: LossValue(losses, count),
            "detached": lambda: LossValue(losses.sum().detach(), count),
            "fails": lambda: losses @ losses[:1, :3],
            "no long": lambda: nn.functional.cross_entropy(logits, labels, ignore_index=255),
            "counts void": lambda: LossValue(
                nn.functional.cross_entropy(logits, labels.long() % 255, reduction="sum"), count
            ),
            "void": lambda: nn.functional.cross_entropy(logits, labels.long()),
        }
        return wrong.get(self.mistake, lambda: LossValue(losses.sum(), count))()


class Data(DataSpec):
    """A data set that is wrong in a chosen way."""

    kind: str = f"{__file__}:Data"
    mistake: str = ""
    where: str = "train"
    first: int = 0

    @property
    def label_space(self) -> LabelSpace:
        return LabelSpace(names=("a", "b"), colors=((0, 0, 0), (9, 9, 9)), raw_ids=(0, 1))

    def build(self, split: str, root: Path) -> Any:
        return Split(self.label_space, self.mistake if split == self.where else "", self.first)


class Split:
    def __init__(self, label_space: LabelSpace, mistake: str, first: int) -> None:
        self.label_space, self.mistake, self.first = label_space, mistake, first
        self.ids: Sequence[str] = () if mistake == "empty" else ("one", "two", "three", "four")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, 32, 48), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, 2, (32, 48), generator=generator, dtype=torch.uint8)
        wrong: dict[str, Callable[[], Any]] = {
            "float image": lambda: Sample(image / 255, labels, self.ids[index]),
            "HWC image": lambda: Sample(image.permute(1, 2, 0), labels, self.ids[index]),
            "array": lambda: Sample(image.numpy(), labels, self.ids[index]),  # type: ignore[arg-type]
            "float labels": lambda: Sample(image, labels.float(), self.ids[index]),
            "one-hot labels": lambda: Sample(image, torch.stack([labels, 1 - labels]), self.ids[index]),
            "label range": lambda: Sample(image, labels + 3, self.ids[index]),
            "sizes": lambda: Sample(image, labels[:, 1:], self.ids[index]),
            "pair": lambda: (image, labels),
            "blank channel": lambda: Sample(
                image * image.new_tensor([1, 1, 0])[:, None, None], labels, self.ids[index]
            ),
        }
        mistake = self.mistake if index >= self.first else ""
        return wrong.get(mistake, lambda: Sample(image, labels, self.ids[index]))()


def refusal(experiment: Experiment, expected: type[PixelwiseError]) -> str:
    """The sentence that a training is refused with, once nothing was written; `out` is free afterwards."""
    with pytest.raises(expected) as caught:
        train(experiment, out="run")
    assert not Path("run").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("half size", "the logits of .* are 16x16 for an input of 32x32; they must not be smaller: upsample them"),
        ("one class less", r"the logits of .* are a torch.float32 tensor \[2, 7, 32, 32\] .* each of the 8 classes"),
        ("dictionary", r"the logits of .* are a dict .*; expected \[2, 8, H, W\]"),
        ("no module", "builds a function; `build` must return a torch.nn.Module"),
        ("fails", "the network .* fails on 2 images of 32x32: KeyError: 'features'"),
    ],
)
def test_a_network_that_breaks_its_contract_is_refused(tiny: Experiment, mistake: str, sentence: str) -> None:
    text = refusal(tiny.replace(model=Network(mistake=mistake)), InvalidSpec)
    assert re.search(sentence, text), text
    train(tiny.replace(model=Network()), out="run")


def test_a_network_that_the_meta_device_cannot_run_is_tried_on_the_cpu(tiny: Experiment) -> None:
    train(tiny.replace(model=Network(mistake="no meta")), out="run")


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("scalar", r"returns a torch.float32 tensor \[\]; return pixelwise.losses.LossValue\(sum, count\)"),
        ("tuple", r"returns a tuple; return pixelwise.losses.LossValue\(sum, count\)"),
        ("map", r"a sum of a torch.float32 tensor \[2, 8, 8\] and a count of .*without dimensions"),
        ("detached", "does not depend on the logits"),
        ("fails", r"fails on logits \[2, 8, 8, 8\] and uint8 labels \[2, 8, 8\] that contain .*: RuntimeError"),
        ("no long", r"fails on .* uint8 labels .*: RuntimeError"),
        ("counts void", r"depends on the logits of ignored pixels \(label 255\); leave these pixels out"),
        ("void", r"fails on .* that contain ignored pixels \(255\): IndexError"),
    ],
)
def test_a_loss_that_breaks_its_contract_is_refused(tiny: Experiment, mistake: str, sentence: str) -> None:
    text = refusal(tiny.replace(loss=Loss(mistake=mistake)), InvalidSpec)
    assert re.search(sentence, text), text
    train(tiny.replace(loss=Loss()), out="run")


@pytest.mark.parametrize("where", ["train", "val"])
@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (
            "float image",
            r"of sample 'one' of the split '{}' is a torch.float32 tensor \[3, 32, 48\]; expected",
        ),
        ("HWC image", r"is a torch.uint8 tensor \[32, 48, 3\]; expected a torch.uint8 tensor \[3, H, W\]"),
        ("array", "is a ndarray; expected"),
        ("float labels", r"the labels of sample 'one' .* are a torch.float32 tensor \[32, 48\]; expected an integer"),
        ("one-hot labels", r"are a torch.uint8 tensor \[2, 32, 48\]; expected an integer tensor \[H, W\]"),
        ("label range", r"contain the class ids 3, 4; expected 0\.\.1, or 255 for ignored pixels"),
        ("sizes", "are 47x32 and its image is 48x32; both must have the same size"),
        ("pair", r"a sample of the split '{}' is a tuple; return pixelwise.data.Sample"),
        ("empty", "the split '{}' has no images"),
    ],
)
def test_a_data_set_that_breaks_its_contract_is_refused(
    tiny: Experiment, where: str, mistake: str, sentence: str
) -> None:
    text = refusal(tiny.replace(data=Data(mistake=mistake, where=where)), DataError)
    assert re.search(sentence.format(where), text), text
    train(tiny.replace(data=Data()), out="run")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("where", ["train", "val"])
@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("float image", r"the image of sample 'three' is a torch.float32 tensor \[3, 32, 48\]"),
        ("float labels", r"the labels of sample 'three' are a torch.float32 tensor \[32, 48\]"),
        ("label range", r"the labels of sample 'three' contain the class ids 3, 4; expected 0\.\.1, or 255"),
        ("sizes", "the labels of sample 'three' are 47x32 and its image is 48x32"),
        ("pair", "a sample is a tuple; return pixelwise.data.Sample"),
    ],
)
def test_a_later_sample_that_breaks_the_contract_is_refused(
    tiny: Experiment, where: str, mistake: str, sentence: str, workers: str
) -> None:
    tiny = tiny.with_values({"fit.workers": workers})
    wrong = tiny.replace(data=Data(mistake=mistake, where=where, first=2))
    with pytest.raises(DataError, match=sentence):
        train(wrong, out="run")
    assert Path("run").exists() == (where == "val"), "validation images are first read after the first epoch"


def test_a_channel_without_contrast_can_be_trained_on(tiny: Experiment) -> None:
    """Its standard deviation is 0, by which nothing can be divided."""
    run = train(tiny.replace(data=Data(mistake="blank channel")), out="run")
    assert run.statistics.std[2] == 0
    assert math.isfinite(run.history()[-1].train_loss or math.nan)
    weights = load_file(run.best)
    assert weights["std"].all()


def test_a_watched_class_that_does_not_exist_is_refused(tiny: Experiment) -> None:
    assert "no class is called 'unicorn'" in refusal(tiny.replace(watch=("unicorn",)), InvalidSpec)


def test_the_same_command_takes_over_a_run_without_a_checkpoint(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Power(Exception):
        """A failure of the machine in the first epoch."""

    def fail(*_: object) -> None:
        raise Power

    with monkeypatch.context() as patch:
        patch.setattr("pixelwise.training.loop._train_round", fail)
        with pytest.raises(Power):
            train(tiny, out="run")
    assert Run.open("run").history() == []
    with pytest.raises(RunError, match="is not empty"):
        train(tiny.with_values({"fit.seed": "1"}), out="run")
    taken_over, fresh = train(tiny, out="run"), train(tiny, out="fresh")
    assert taken_over.best.read_bytes() == fresh.best.read_bytes()
    assert taken_over.log.read_text(encoding="utf-8").count("parameters") == 1
    with pytest.raises(RunError, match="is not empty"):
        train(tiny, out="run")


def test_a_run_keeps_the_code_of_its_components_and_can_be_moved(tiny: Experiment, tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "networks.py"
    mine = tmp_path / "elsewhere" / "my_net.py"
    mine.parent.mkdir()
    mine.write_bytes(source.read_bytes())
    own = tiny.with_values({"model": f"{mine}:Small"})
    run = train(own, out="run")
    mine.unlink()
    moved = Path(run.path).rename("moved")
    assert Run.open(moved).experiment.model.kind == f"{mine}:Small"
    assert (moved / "code" / "my_net.py").read_bytes() == source.read_bytes()


def test_two_different_files_of_one_name_are_refused(tiny: Experiment, tmp_path: Path) -> None:
    for folder, text in (("a", Path(__file__).parents[1] / "networks.py"), ("b", Path(__file__))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_bytes(text.read_bytes())
    experiment = tiny.with_values(
        {"model": f"{tmp_path / 'a' / 'mine.py'}:Small", "loss": f"{tmp_path / 'b' / 'mine.py'}:Loss"}
    )
    assert "have the same name: rename one" in refusal(experiment, InvalidSpec)


def check(experiment: Experiment, images: int, batch: int) -> None:
    data = Shapes(size=(64, 64), images=images)
    experiment = experiment.replace(data=data, image_size=(64, 64), fit=experiment.fit.replace(batch_size=batch))
    check_network(experiment, data.build("train", Path()))


@pytest.mark.parametrize(("images", "batch", "advice"), [(9, 4, 5), (9, 1, 3), (9, 8, 9), (13, 2, 5), (13, 3, 5)])
def test_the_remedy_is_a_batch_size_that_leaves_no_single_image(
    tiny: Experiment, images: int, batch: int, advice: int
) -> None:
    experiment = tiny.replace(model=POOLED)
    with pytest.raises(InvalidSpec, match=f"resnet_aspp cannot be trained.*set fit.batch_size={advice}\\.$"):
        check(experiment, images, batch)
    check(experiment, images, advice)


def test_one_training_image_cannot_be_helped_by_a_batch_size(tiny: Experiment) -> None:
    with pytest.raises(InvalidSpec, match="at least two images are needed"):
        check(tiny.replace(model=POOLED), 1, 4)


@pytest.mark.parametrize("model", [Small(), Unet(), Fcn()], ids=lambda m: m.kind.rpartition(":")[2])
def test_a_network_without_global_pooling_can_be_trained_on_one_image(tiny: Experiment, model: ModelSpec) -> None:
    """At 64×64 even the FCN has four values at its lowest resolution."""
    check(tiny.replace(model=model), 9, 4)


def test_an_image_that_shrinks_to_one_pixel_is_refused(tiny: Experiment) -> None:
    small = tiny.replace(model=Fcn(), augment=tiny.augment.replace(crop=(32, 32)))
    with pytest.raises(InvalidSpec, match="one image of 32x32, on which fcn cannot be trained"):
        check(small, 9, 4)
    check(small, 8, 4)


def test_plain_copies_and_several_epochs_before_a_validation_count(tiny: Experiment) -> None:
    twice = tiny.replace(model=POOLED, augment=tiny.augment.replace(keep_plain=True))
    check(twice, 5, 2)
    with pytest.raises(InvalidSpec, match="10 images, batches of 3"):
        check(twice, 5, 3)
    with pytest.raises(InvalidSpec, match="10 images, batches of 3"):
        check(tiny.replace(model=POOLED, fit=tiny.fit.replace(val_every=2)), 5, 3)
