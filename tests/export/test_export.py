"""An export does what its run does, or is not kept."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.core.labels import LabelSpace
from pixelwise.data import Shapes
from pixelwise.engine.exported import ABOUT, ExportedPredictor
from pixelwise.engine.predictor import Predictor
from pixelwise.engine.train import train
from pixelwise.experiment import Experiment, Fit
from pixelwise.export import formats, parity
from pixelwise.export.deployed import Deployed
from pixelwise.export.formats import Format, write
from pixelwise.models import MODELS, Fcn, ModelSpec, Segmenter
from pixelwise.runs import Run
from pixelwise.studies.export import export

FORMATS: list[Format] = ["onnx", "openvino", "torch"]
EVERY: list[ModelSpec] = [
    kind.model_validate({"weights": None} if "weights" in kind.model_fields else {}) for kind in MODELS.values()
]
FIT = Fit(epochs=3, batch_size=4, device="cpu", precision="fp32", workers=0)


@pytest.fixture(scope="module", params=[None, (48, 64)], ids=["own size", "resized"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    small = Experiment(
        name="tests/exported", data=Shapes(size=(64, 80), images=40), model=Fcn(), size=request.param, fit=FIT
    )
    return train(small, out=tmp_path_factory.mktemp("export") / "run")


def image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_takes_every_size_and_calls_pixels_as_the_run_does(run: Run, to: Format, tmp_path: Path) -> None:
    done = export(run, to, out=tmp_path / "export")
    assert done.certificate.changed_pixels <= 0.001
    exported, own = ExportedPredictor(done.folder), Predictor.load(run, "cpu")
    for size in ((64, 80), (33, 47), (101, 66)):
        said, expected = exported(image(*size)), own(image(*size))
        assert said.dtype == np.uint8
        assert (said == expected).mean() > 0.998
    assert exported.space == Shapes().label_space
    stored = json.loads((done.folder / "certificate.json").read_text())
    assert stored["mean_iou"] == pytest.approx(run.results()["val"].mean_iou, abs=1e-9)
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_several_images_at_once_are_as_one_by_one(run: Run, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    file = export(run, "onnx", out=tmp_path / "export").folder / "model.onnx"
    session = onnxruntime.InferenceSession(file)
    images = np.stack([image(50, 70), image(50, 70)[::-1], image(50, 70)[:, ::-1]])
    together = session.run(None, {"images": images})[0]
    alone = np.concatenate([session.run(None, {"images": one[None]})[0] for one in images])
    assert (together == alone).mean() > 0.999


def test_the_file_itself_holds_the_classes(run: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    file = export(run, "onnx", out=tmp_path / "export").folder / "model.onnx"
    held = {prop.key: prop.value for prop in onnx.load(file).metadata_props}
    assert LabelSpace.model_validate(json.loads(held["pixelwise"])["label_space"]) == Shapes().label_space
    onnx.checker.check_model(onnx.load(file))


def test_int8_is_measured_too(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nncf")
    # A network of one epoch is too unsure for the real bounds.
    monkeypatch.setattr(parity, "CHANGED", {"fp32": 0.001, "int8": 0.5})
    monkeypatch.setattr(parity, "LOST", {"fp32": 0.001, "int8": 0.5})
    found = export(run, "openvino", int8=True, out=tmp_path / "int8").certificate
    plain = export(run, "openvino", out=tmp_path / "fp32").certificate
    assert found.precision == "int8"
    assert found.changed_pixels > plain.changed_pixels
    assert found.bytes < plain.bytes


@pytest.mark.slow  # half a minute each
@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.kind)
def test_every_network_exports_or_says_why_not(spec: ModelSpec, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Segmenter(spec.build(4), spec, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).eval()
    module = Deployed(model, None).eval()
    try:
        write(module, "onnx", tmp_path, {})
    except InvalidSpec as e:
        pytest.fail(f"{spec.kind}: {e}")
    (tmp_path / ABOUT).write_text(json.dumps({"label_space": Shapes().label_space.model_dump(mode="json"), "epoch": 1}))
    exported = ExportedPredictor(tmp_path)
    for size in ((160, 192), (170, 233)):
        pixels = image(*size)
        with torch.inference_mode():
            expected = module(torch.from_numpy(pixels)[None])[0].numpy()
        assert (exported(pixels) == expected).mean() > 0.995


def test_an_export_that_is_not_the_run_is_not_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "CHANGED", {"fp32": -1.0})
    with pytest.raises(RunError, match=r"is not the run: it changes .* of the pixels of val"):
        export(run, "torch", out=tmp_path / "export")
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(InvalidSpec, match=r"needs onnxscript: pip install 'pixelwise\[export\]'"):
        export(run, "onnx")


def test_int8_is_openvinos(run: Run) -> None:
    with pytest.raises(InvalidSpec, match="--to openvino"):
        export(run, "onnx", int8=True)


@pytest.mark.parametrize("damage", ["absent", "json"])
def test_what_is_no_export_is_told(tmp_path: Path, damage: str) -> None:
    if damage == "json":
        (tmp_path / "model.onnx").touch()
        (tmp_path / ABOUT).write_text("{}")
    with pytest.raises(RunError, match=r"holds no export|is damaged"):
        ExportedPredictor(tmp_path)
