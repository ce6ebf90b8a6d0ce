"""Every recipe on the real data of its kind, at reduced size: a few steps, evaluated, and a prediction written.

Each data set is made small by links to a few of its files; IDD-Lite stands for IDD.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelwise import recipes
from pixelwise.data import DATASETS
from pixelwise.data.files import PairedFiles
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.experiment import Experiment
from pixelwise.inference.predict import predict
from pixelwise.training import loop
from tests.e2e.real import FOLDERS, mended

pytestmark = [pytest.mark.real_data, pytest.mark.nightly]

IMAGES = 4
STANDS_FOR = {"idd": "idd_lite", "camvid_original": "camvid"}


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few images of each split of each data set that is at hand."""
    whole = mended(tmp_path_factory.mktemp("whole"))
    root = tmp_path_factory.mktemp("small")
    for kind, folder in FOLDERS.items():
        if not (whole / folder).is_dir():
            continue
        for split in ("train",) if kind == "cityscapes" else ("train", "val"):
            dataset = DATASETS[kind](kind=kind).build(split, whole)
            assert isinstance(dataset, PairedFiles)
            chosen = dataset.pairs[:: max(1, len(dataset) // IMAGES)][:IMAGES]
            for file in (file for pair in chosen for file in (pair.image, pair.labels)):
                link = root / file.relative_to(whole)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
            if kind.startswith("voc"):
                listing = root / folder / "ImageSets" / "Segmentation" / f"{split}.txt"
                listing.parent.mkdir(parents=True, exist_ok=True)
                listing.write_text("".join(f"{pair.id}\n" for pair in chosen))
    return root


def reduced(experiment: Experiment) -> Experiment:
    """The same network, loss, optimizer and schedule, on what is at hand, for two steps."""
    kind = STANDS_FOR.get(experiment.data.kind, experiment.data.kind)
    values = {"fit.epochs": "1", "fit.batch_size": "2", "fit.workers": "0", "fit.device": "cpu", "size": "[96,128]"}
    values["fit.minutes"] = "none"
    if kind != experiment.data.kind:
        values["data.kind"] = kind
    if kind == "cityscapes":
        values["data.val_split"] = "train"
    if experiment.augment.crop:
        values["augment.crop"] = "[96,96]"
    scratch = {"weights": "none", "frozen": "false"}
    values |= {f"model.{n}": value for n, value in scratch.items() if n in type(experiment.model).model_fields}
    if kind == "cityscapes" and experiment.model.kind in ("resnet_aspp", "unet_aspp"):
        values["fit.batch_size"] = "3"  # of three images, two steps would leave a batch of one
    return experiment.with_values(values)


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if name.split("/")[0] not in ("shapes", "folder")])
def test_a_recipe_trains_evaluates_and_predicts(
    name: str, small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for picture in ("draw_curves", "draw_predictions"):  # another test's subject
        monkeypatch.setattr(loop, picture, lambda *_: None)
    experiment = reduced(recipes.get(name))
    if not (small_root / FOLDERS[experiment.data.kind]).is_dir():
        pytest.skip(f"PIXELWISE_DATA has no {FOLDERS[experiment.data.kind]}")
    run = loop.train(experiment, data_root=small_root, out=tmp_path / "run")
    # Training has evaluated the validation split; Cityscapes' images are too large to do it twice here.
    evaluated_already = experiment.data.kind == "cityscapes"
    result = run.results()["train"] if evaluated_already else evaluate(run, data_root=small_root)
    assert result.images == (3 if experiment.data.kind == "cityscapes" else IMAGES)
    assert result.mean_iou is not None
    assert set(result.iou) == set(experiment.data.label_space.names)

    split = experiment.data.build(experiment.data.val_split, small_root)
    assert isinstance(split, PairedFiles)
    (written,) = predict(run, [split.pairs[0].image], tmp_path / "out").written
    labels = np.array(Image.open(written.labels))
    assert labels.shape == tuple(split[0].labels.shape)
    assert set(np.unique(labels)) <= set(split.label_space.raw_ids)
