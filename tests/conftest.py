"""Shapes in annotations are checked while tests run; tests share small experiments and the real data where it is."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that a test starts, too
    os.environ["OMP_NUM_THREADS"] = "1"

TYPECHECKED = (
    "core.label_space", "data", "models", "losses", "metrics", "viz", "evaluation", "training", "inference.backends",
    "inference.exported", "inference.parallel", "inference.predict", "inference.predictor", "inference.sliding_window",
    "inference.tta", "inference.weights",
)  # fmt: skip
# core.spec is left out: beartype cannot read `Self` on a method that is decorated by itself. inference.options is left
# out: a scale of 1 is as good as one of 1.0.
install_import_hook([f"pixelwise.{package}" for package in TYPECHECKED], "beartype.beartype")
os.environ.setdefault("COLUMNS", "120")

import hypothesis  # noqa: E402  # after the hook
import torch  # noqa: E402  # after the hook

from pixelwise.data import Shapes  # noqa: E402  # after the hook
from pixelwise.experiment import Experiment, Fit  # noqa: E402  # after the hook
from tests.networks import Small  # noqa: E402  # after the hook

# Tests side by side (`pytest -n 2`) would wait for each other's threads.
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)
# The same examples everywhere, and no time limit: machines are shared.
hypothesis.settings.register_profile("pixelwise", deadline=None, derandomize=True)
hypothesis.settings.load_profile("pixelwise")


@pytest.fixture
def tiny() -> Experiment:
    """Trains within a second: 8 images of 32×32, two epochs, in fp32 on the CPU."""
    fit = Fit(epochs=2, batch_size=4, device="cpu", precision="fp32", workers=0)
    return Experiment(name="tests/tiny", data=Shapes(size=(32, 32), images=8), model=Small(), fit=fit)


@pytest.fixture
def real_data() -> Path:
    """The root of the real data sets."""
    root = os.environ.get("PIXELWISE_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("PIXELWISE_DATA names no folder of real data sets")
    return Path(root)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path_factory.mktemp("cache")))
