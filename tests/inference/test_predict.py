"""One Predictor: every image at its own size, the same pixels for whoever asks."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from pixelwise.core.errors import DataError, RunError
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Shapes, Voc2012
from pixelwise.data.transforms import resize_image
from pixelwise.evaluation.evaluate import evaluate, evaluate_split
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.predict import Prediction, Predictions, predict
from pixelwise.inference.predictor import Predictor
from pixelwise.losses import CrossEntropy
from pixelwise.models import Segmenter
from pixelwise.run import Run
from pixelwise.training.loop import train
from tests.data.trees import TREES, write_image
from tests.networks import Linear, Small

SIZES = [(14, 18), (14, 18), (33, 47), (64, 32)]


@pytest.fixture
def voc(tiny: Experiment) -> Experiment:
    """VOC has images of different sizes, so its experiments bring them to one."""
    TREES["voc2012"](Path("data"))  # type: ignore[misc]  # it has a tree
    return tiny.replace(data=Voc2012(), image_size=(32, 48))


@pytest.fixture
def predictor(voc: Experiment) -> Predictor:
    torch.manual_seed(0)
    return Predictor(Segmenter(Small().build(21), Small(), (0.4, 0.5, 0.6), (0.2, 0.2, 0.3)), voc)


def images() -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=rng) for size in SIZES]


def test_logits_are_those_of_the_resized_image_brought_back_to_its_own_size(predictor: Predictor) -> None:
    mean, std = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1), torch.tensor([0.2, 0.2, 0.3]).view(3, 1, 1)
    for image, logits in zip(images(), predictor.logits(images()), strict=True):
        normalized = (resize_image(image, (32, 48)) / 255 - mean) / std
        with torch.inference_mode():
            small = predictor.model.eval().network(normalized[None])
        own = F.interpolate(small, list(image.shape[1:]), mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(logits, own, rtol=1e-4, atol=1e-4)


def test_an_image_alone_and_among_others_gets_the_same_classes(predictor: Predictor) -> None:
    together = predictor.logits(images())
    for image, logits in zip(images(), together, strict=True):
        alone = predictor(image.permute(1, 2, 0).numpy())
        assert alone.dtype == np.uint8
        assert alone.shape == tuple(image.shape[1:])
        assert (alone == logits.argmax(0).numpy()).mean() > 0.999  # batched sums differ in their last bits


def test_a_split_is_judged_at_the_images_original_size(voc: Experiment, predictor: Predictor) -> None:
    split = voc.data.build("val", Path("data"))
    evaluation = evaluate_split(predictor, split, CrossEntropy().build(torch.ones(21, dtype=torch.int64)), 2, 0)
    expected, losses, valid = np.zeros((21, 21), np.int64), 0.0, 0
    for i in range(len(split)):
        image, labels, _ = split[i]
        logits = predictor.logits([image])[0]
        for true, said in zip(labels.flatten().tolist(), logits.argmax(0).flatten().tolist(), strict=True):
            if true != IGNORE:
                expected[true, said] += 1
        losses += float(F.cross_entropy(logits[None], labels[None].long(), ignore_index=IGNORE, reduction="sum"))
        valid += int((labels != IGNORE).sum())
    assert evaluation.matrix.tolist() == expected.tolist()
    assert evaluation.matrix.sum() == valid
    assert evaluation.loss == pytest.approx(losses / valid, rel=1e-5)


def test_training_evaluating_and_predicting_agree_to_the_pixel(voc: Experiment) -> None:
    run = train(voc.with_values({"fit.epochs": "1"}))
    result = evaluate(run)
    assert result.mean_iou == run.history()[0].val_mean_iou
    split = voc.data.build("val", Path("data"))
    files = [Path("data/VOCdevkit/VOC2012/JPEGImages") / f"{name}.jpg" for name in split.ids]
    predictor = Predictor.load(run)
    for written, sample in zip(predict(run, files, "out").written, (split[i] for i in range(len(split))), strict=True):
        said = np.array(Image.open(written.labels))
        assert (said == predictor.label_space.to_raw(predictor(sample.image.permute(1, 2, 0).numpy()))).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that is no good, and quickly made."""
    fit = Fit(epochs=1, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="tests/linear", data=Shapes(size=(32, 32), images=8), model=Linear(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("predict") / "run")


def outputs(folder: str = "out") -> set[str]:
    """Paths of all files below a folder, temporary ones included."""
    return {file.relative_to(folder).as_posix() for file in Path(folder).rglob("*") if file.is_file()}


def both(*names: str) -> set[str]:
    return {f"{kind}/{name}" for kind in ("labels", "overlays") for name in names}


def test_a_broken_image_is_passed_over_and_told_of(run: Run) -> None:
    for name in ("a", "b", "z"):
        write_image(Path(f"photos/{name}.png"), (20, 30))
    Path("photos/b.png").write_bytes(Path("photos/b.png").read_bytes()[:500])
    Path("photos/c.jpg").write_text("notes")
    done = predict(run, ["photos"], "out")
    assert outputs() == both("a.png", "z.png")
    assert [written.image.name for written in done.written] == ["a.png", "z.png"]
    assert [image.as_posix() for image, _ in done.broken] == ["photos/b.png", "photos/c.jpg"]
    assert all(why.startswith(f"{image}: ") and why.endswith(".") for image, why in done.broken)


def test_where_all_are_broken_nothing_is_written(run: Run) -> None:
    Path("a.png").touch()
    done = predict(run, ["a.png"], "out")
    assert not done.written
    assert done.broken == [(Path("a.png"), "a.png: is empty (0 bytes); replace or remove the file.")]
    assert not Path("out").exists()


def test_speed_is_that_of_the_whole_way_and_counts_what_was_written(run: Run) -> None:
    begin = time.perf_counter()
    done = predict(run, [write_image(Path("a.png"), (20, 30))], "out")
    assert 0 < done.seconds < time.perf_counter() - begin
    one = Prediction(Path("a"), Path("b"), Path("c"))
    assert Predictions([one] * 12, [], 3.4).speed == "12 images in 3.4 s (3.5 images/s)"
    assert Predictions([one], [], 0.5).speed == "1 image in 0.5 s (2.0 images/s)"


def test_every_name_keeps_all_but_its_ending(run: Run) -> None:
    names = {
        "a b.png": "a b.png", "it's \"so\".JPG": "it's \"so\".png", "été 写真.jpeg": "été 写真.png", "-a.png": "-a.png",
        "x" * 200 + ".png": "x" * 200 + ".png", "a.b.PNG": "a.b.png", "v1.2.Tiff": "v1.2.png",
    }  # fmt: skip
    for name in names:
        write_image(Path("photos/deep/er") / name, (9, 8))
    predict(run, ["photos"], "out")
    assert outputs() == both(*(f"deep/er/{name}" for name in names.values()))
    predict(run, [Path("photos/deep/er") / name for name in names], "flat")
    assert outputs("flat") == both(*names.values())


def test_a_file_that_is_given_may_have_any_ending_or_none(run: Run) -> None:
    """Numbered frames differ in nothing else."""
    for name in ("frame.0001", "frame.0002", "photo"):
        Path(name).write_bytes(write_image(Path("a.png"), (9, 8)).read_bytes())
    predict(run, ["frame.0001", "frame.0002", "photo", "./photo"], "out")
    assert outputs() == both("frame.0001.png", "frame.0002.png", "photo.png")


def test_hidden_files_of_a_folder_are_passed_over(run: Run) -> None:
    for name in ("a.jpg", ".trash/b.jpg"):
        write_image(Path("photos") / name, (9, 8))
    for name in ("._a.jpg", ".DS_Store", "Thumbs.db"):
        Path("photos", name).write_bytes(b"\0\5\x16\7")
    assert not predict(run, ["photos"], "out").broken
    assert outputs() == both("a.png")


def test_labels_have_the_size_that_a_person_sees(run: Run) -> None:
    sideways = Image.Exif()
    sideways[0x0112] = 6
    gray = np.arange(200, dtype=np.uint16).reshape(10, 20) * 300
    Path("photos").mkdir()
    for picture, name in (
        (Image.new("RGBA", (20, 10), (9, 9, 9, 99)), "alpha.png"),
        (Image.new("CMYK", (20, 10)), "inks.jpg"),
        (Image.fromarray(gray), "deep.png"),
        (Image.fromarray(gray), "deep_tiff.tif"),
        (Image.new("P", (20, 10)), "palette.gif"),
        (Image.new("L", (20, 10)), "gray.webp"),
    ):
        picture.save(Path("photos") / name, exif=sideways if name == "deep_tiff.tif" else Image.Exif())
    Image.new("RGB", (20, 10)).save("photos/turned.jpg", exif=sideways)
    done = predict(run, ["photos"], "out")
    assert len(done.written) == 7, done.broken
    sizes = {}
    for written in done.written:
        with Image.open(written.labels) as labels:
            sizes[written.image.name] = labels.size
    assert {name for name, size in sizes.items() if size == (10, 20)} == {"turned.jpg", "deep_tiff.tif"}
    assert {size for name, size in sizes.items() if name not in ("turned.jpg", "deep_tiff.tif")} == {(20, 10)}


@pytest.mark.parametrize(
    ("failure", "seen"), [(OSError(errno.ENOSPC, "no space"), RunError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_full_disk_or_ctrl_c_leaves_whole_images_or_none(
    run: Run, monkeypatch: pytest.MonkeyPatch, failure: BaseException, seen: type[BaseException]
) -> None:
    """It strikes where some image's labels are written and its overlay is not, or the other way round."""
    files = [write_image(Path(f"{name}.png"), (9, 8)) for name in "abc"]
    opened: list[int] = []

    def strike(descriptor: int) -> None:
        opened.append(descriptor)
        if len(opened) in (7, 8):  # two files an image, file and folder of each
            raise failure

    monkeypatch.setattr(os, "fsync", strike)
    with pytest.raises(seen):
        predict(run, files, "out")
    whole = {name.rpartition("/")[2] for name in outputs()}
    assert len(whole) < 3
    assert outputs() == both(*whole)


def test_a_folder_of_20_000_images_is_listed_in_under_two_seconds() -> None:
    folder = Path("photos")
    folder.mkdir()
    write_image(folder / "first.jpg", (9, 8))
    for i in range(20_000):
        os.link(folder / "first.jpg", folder / f"{i:05}.jpg")  # quicker than new files
    begin = time.process_time()  # this process's own, however busy the machine is
    with pytest.raises(RunError, match="there is no run folder"):  # the next thing that is looked at
        predict("nowhere", [folder], "out")
    assert time.process_time() - begin < 2


def test_two_images_that_would_become_one_file_are_refused(run: Run) -> None:
    for name in ("photos/a.png", "photos/a.jpg", "more/b.jpg", "other/b.png"):
        write_image(Path(name), (20, 20))
    with pytest.raises(DataError, match=r"photos/a\.jpg and photos/a\.png have the same name; rename or remove one"):
        predict(run, ["photos"], "out")
    with pytest.raises(
        DataError, match=r"more/b\.jpg and other/b\.png would both become b\.png; rename one of them, or"
    ):
        predict(run, ["more", "other"], "out")
    assert not Path("out").exists()
