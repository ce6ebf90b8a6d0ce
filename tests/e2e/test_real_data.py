"""The whole way on real data, with a small network, small pictures and one epoch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixelwise import recipes
from pixelwise.cli import main
from pixelwise.core.errors import DatasetNotFound
from pixelwise.core.labels import IGNORE
from tests.networks import Small

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize("recipe", ["camvid/fcn", "voc2012/fcn"])
def test_train_evaluate_predict(real_data: Path, recipe: str, capsys: Any) -> None:
    try:
        split = recipes.get(recipe).data.build("val", real_data)
    except DatasetNotFound as missing:
        pytest.skip(str(missing).splitlines()[0])
    network = f"model={Small().kind}"
    main(["train", recipe, "--out", "run", "--set", network, "fit.epochs=1", "size=[96,96]", "fit.device=cpu"])
    capsys.readouterr()
    main(["evaluate", "run", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == len(split)
    valid = sum(int((split[i].labels != IGNORE).sum()) for i in range(len(split)))
    assert sum(map(sum, result["confusion_matrix"])) == valid
    folder = Path("photos")
    folder.mkdir()
    for i in range(3):
        Image.fromarray(split[i].image.permute(1, 2, 0).numpy()).save(folder / f"{i}.png")
    main(["predict", "run", "photos", "--out", "out"])
    for i in range(3):
        with Image.open(Path("out/labels") / f"{i}.png") as labels:
            assert labels.size == split[i].image.shape[:0:-1]
            assert set(np.unique(np.array(labels))) <= set(split.space.raw_ids)
