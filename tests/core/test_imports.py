"""Large libraries are imported where they are used, so that a command does not wait for those it does not need."""

import subprocess
import sys

import pytest

SLOW = {"torchvision", "timm", "matplotlib", "scipy", "sympy", "torch._dynamo", "segmentation_models_pytorch"}
PREDICTION = """
import numpy as np, torch
from pixelwise.data import Shapes
from pixelwise.data.transforms import Augment, augment, resize_image
from pixelwise.models import Fcn, Segmenter
from pixelwise.viz.overlay import overlay, with_legend
space = Shapes().label_space
image = torch.zeros(3, 40, 50, dtype=torch.uint8)
augment(image, image[0], Augment(rescale=(0.5, 1.5), crop=(32, 32), hflip=0.5), np.random.default_rng(0))
classes = Segmenter(Fcn().build(space.num_classes), Fcn())(resize_image(image, (32, 64))[None]).argmax(1)[0]
classes = classes.numpy().astype(np.uint8)
with_legend(overlay(np.zeros((32, 64, 3), np.uint8), classes, space), classes, space)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    ["import pixelwise.experiment", "import pixelwise.recipes", "import pixelwise.inference.predict", PREDICTION],
    ids=["experiment", "recipes", "predict", "a prediction"],
)
def test_large_libraries_are_not_imported_without_need(program: str) -> None:
    code = f"{program}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pixelwise" in loaded
    assert not loaded & SLOW
