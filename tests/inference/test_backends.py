"""Every backend computes the logits of torch."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.evaluation.evaluate import evaluate
from pixelwise.inference.backends import make_backend
from pixelwise.inference.options import BackendName, InferenceOptions
from pixelwise.inference.predict import predict
from pixelwise.inference.predictor import Predictor
from pixelwise.models import MODELS, Fcn, ModelSpec, Segmenter
from pixelwise.run import Run
from pixelwise.training.loop import train
from tests.data.trees import write_image

LIBRARIES = {"openvino": "openvino", "onnxruntime": "onnxruntime"}
EVERY: list[ModelSpec] = [
    kind.model_validate({"weights": None} if "weights" in kind.model_fields else {}) for kind in MODELS.values()
]
OPENVINO = InferenceOptions(backend="openvino")
QUICK = {"fcn"}
REFUSED = {("openvino", "unpool_fcn")}  # the tracer does not follow the indices of its pooling


def needs(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")


def segmenter(spec: ModelSpec, classes: int = 5) -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(spec.build(classes), spec, (0.4, 0.5, 0.6), (0.2, 0.2, 0.3)).eval()


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(
    "spec",
    # Converting takes up to half a minute each: one by default.
    [pytest.param(s, marks=[] if s.kind in QUICK else pytest.mark.nightly, id=s.kind) for s in EVERY],
)
def test_every_networks_logits_at_every_size_and_batch(
    name: BackendName, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(LIBRARIES[name])
    # A tracer sees the checks of shapes too, and of a list it is each time another tensor that is checked.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    model = segmenter(spec)
    if (name, spec.kind) in REFUSED:
        with pytest.raises(InvalidSpec, match=r"cannot convert this network .*use --backend torch\.$"):
            make_backend(name, model, "fp32")
        return
    backend = make_backend(name, model, "fp32")
    chance = torch.Generator().manual_seed(1)
    for shape in ((1, 3, 64, 96), (3, 3, 70, 33), (1, 3, 101, 130)):
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=chance)
        with torch.inference_mode():
            expected = model(images)
        found = backend(images)
        assert found.shape == expected.shape
        scale = expected.abs().max().item()
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * max(1, scale))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An FCN that has learned a little."""
    from pixelwise import recipes

    values = {"fit.epochs": "2", "data.images": "24", "data.size": "[64,64]", "fit.device": "cpu", "fit.workers": "0"}
    return train(recipes.get("shapes/fcn").with_values(values), out=tmp_path_factory.mktemp("backends") / "run")


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_in_bf16_nearly_every_pixel_is_called_the_same(run: Run, name: BackendName) -> None:
    if name != "torch":
        needs(LIBRARIES[name])
    try:
        fast = Predictor.load(run, InferenceOptions(backend=name, precision="bf16"))
    except InvalidSpec as e:
        pytest.skip(str(e))
    exact = Predictor.load(run)
    split = Shapes(images=24, size=(64, 64)).build("val", Path())
    images = [split[i].image.permute(1, 2, 0).numpy() for i in range(len(split))]
    same = np.mean([(fast(image) == exact(image)).mean() for image in images])
    assert 0.99 < same <= 1


def test_in_int8_most_pixels_are_called_the_same_and_evaluate_says_what_it_costs(run: Run) -> None:
    needs("nncf")
    stored = run.results()["val"]
    evaluated = evaluate(run, options=InferenceOptions(backend="openvino", precision="int8"))
    assert run.results()["val"] == stored
    assert evaluated.pixel_accuracy == pytest.approx(stored.pixel_accuracy, abs=0.03)
    assert evaluated.confusion_matrix != stored.confusion_matrix


def test_only_openvino_computes_in_int8(run: Run) -> None:
    with pytest.raises(InvalidSpec, match=r"torch does not compute in int8 here; use --backend openvino"):
        Predictor.load(run, InferenceOptions(precision="int8"))


@pytest.mark.parametrize("name", LIBRARIES)
def test_predicted_files_are_those_of_torch(run: Run, name: BackendName) -> None:
    needs(LIBRARIES[name])
    image = write_image(Path("a.png"), (40, 60))
    (one,) = predict(run, [image], "one").written
    (other,) = predict(run, [image], "other", options=InferenceOptions(backend=name), overlays=False).written
    assert one.labels.read_bytes() == other.labels.read_bytes()
    assert other.overlay is None
    assert [file.name for file in Path("other").iterdir()] == ["labels"]


@pytest.mark.slow
def test_files_predicted_in_parallel_equal_those_predicted_alone(run: Run) -> None:
    needs("openvino")
    images = [write_image(Path(f"many/{number}.png"), (40 + number, 60), seed=number) for number in range(7)]
    Path("many/3a.png").write_bytes(b"no image")
    together = predict(run, ["many"], "together", options=OPENVINO, overlays=False)
    assert [broken.image.name for broken in together.broken] == ["3a.png"]
    assert [written.image for written in together.written] == images
    for number, written in enumerate(together.written):
        (alone,) = predict(run, [written.image], f"alone{number}", options=OPENVINO, overlays=False).written
        assert written.labels.read_bytes() == alone.labels.read_bytes()


def test_counts_in_parallel_are_those_of_torch(run: Run) -> None:
    needs("openvino")
    assert Predictor.load(run, OPENVINO).parallel_calls == 1  # a single call uses all cores
    assert Predictor.load(run, OPENVINO, bulk=True).parallel_calls >= 1
    assert evaluate(run, options=OPENVINO).confusion_matrix == run.results()["val"].confusion_matrix


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_is_not_there_is_asked_for(name: BackendName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"pixelwise.inference.backends.{name}.find_spec", lambda _: None)
    with pytest.raises(InvalidSpec, match=rf"pip install 'pixelwise\[{name}\]'"):
        make_backend(name, segmenter(Fcn()), "fp32")


@pytest.mark.slow
def test_nothing_is_reported_to_anyone() -> None:
    """In a process of its own, where nobody has imported the library before."""
    needs("openvino")
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a connection')\n"
        "socket.socket.connect = refuse\n"
        "from pixelwise.inference.backends import make_backend\n"
        "from pixelwise.models import Fcn, Segmenter\n"
        "make_backend('openvino', Segmenter(Fcn().build(2), Fcn()), 'fp32')\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_precision_that_a_backend_does_not_compute_in_is_refused() -> None:
    needs("onnxruntime")
    with pytest.raises(InvalidSpec, match=r"fp32 on CPUs"):
        make_backend("onnxruntime", segmenter(Fcn()), "bf16")
