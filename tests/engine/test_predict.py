"""One Predictor: every image at its own size, the same pixels for whoever asks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from pixelwise.core.errors import BadData
from pixelwise.core.labels import IGNORE
from pixelwise.data import Voc2012
from pixelwise.data.transforms import resize_image
from pixelwise.engine.evaluate import evaluate, judge
from pixelwise.engine.predict import Predictor, predict
from pixelwise.engine.train import train
from pixelwise.experiment import Experiment
from pixelwise.losses import CrossEntropy
from pixelwise.models import Segmenter
from pixelwise.runs import Run
from tests.data.trees import TREES, write_image
from tests.networks import Small

SIZES = [(14, 18), (14, 18), (33, 47), (64, 32)]


@pytest.fixture
def voc(tiny: Experiment) -> Experiment:
    """VOC has images of different sizes, so its experiments bring them to one."""
    TREES["voc2012"](Path("data"))  # type: ignore[misc]  # it has a tree
    return tiny.replace(data=Voc2012(), size=(32, 48))


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
        normalised = (resize_image(image, (32, 48)) / 255 - mean) / std
        with torch.inference_mode():
            small = predictor.model.eval().network(normalised[None])
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
    judgement = judge(predictor, split, CrossEntropy().build(torch.ones(21, dtype=torch.int64)), 2, 0)
    expected, losses, valid = np.zeros((21, 21), np.int64), 0.0, 0
    for i in range(len(split)):
        image, labels, _ = split[i]
        logits = predictor.logits([image])[0]
        for true, said in zip(labels.flatten().tolist(), logits.argmax(0).flatten().tolist(), strict=True):
            if true != IGNORE:
                expected[true, said] += 1
        losses += float(F.cross_entropy(logits[None], labels[None].long(), ignore_index=IGNORE, reduction="sum"))
        valid += int((labels != IGNORE).sum())
    assert judgement.matrix.tolist() == expected.tolist()
    assert judgement.matrix.sum() == valid
    assert judgement.loss == pytest.approx(losses / valid, rel=1e-5)


def test_training_evaluating_and_predicting_agree_to_the_pixel(voc: Experiment) -> None:
    run = train(voc.with_values({"fit.epochs": "1"}))
    result = evaluate(run)
    assert result.mean_iou == run.history()[0].val_mean_iou
    split = voc.data.build("val", Path("data"))
    files = [Path("data/VOCdevkit/VOC2012/JPEGImages") / f"{name}.jpg" for name in split.ids]
    predictor = Predictor.load(run)
    for written, sample in zip(predict(run, files, "out"), (split[i] for i in range(len(split))), strict=True):
        said = np.array(Image.open(written.labels))
        assert (said == predictor.space.to_raw(predictor(sample.image.permute(1, 2, 0).numpy()))).all()


def test_two_images_that_would_become_one_file_are_refused(voc: Experiment) -> None:
    run = train(voc.with_values({"fit.epochs": "1"}))
    for name in ("a.png", "a.jpg"):
        write_image(Path("photos") / name, (20, 20))
    with pytest.raises(BadData, match=r"a\.jpg and photos/a\.png would both become a\.png"):
        predict(Run.open(run.path), ["photos"], "out")
    assert not Path("out").exists()
