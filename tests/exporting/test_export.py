"""An export predicts as its run does; otherwise nothing is written."""

import copy
import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.core.label_space import LabelSpace
from pixelwise.data import Shapes
from pixelwise.data.transforms import resize_image
from pixelwise.experiment import Experiment, Fit
from pixelwise.exporting import formats, parity
from pixelwise.exporting.deployed import Deployed, resize_weights, round_to_byte
from pixelwise.exporting.formats import Format, write
from pixelwise.inference.exported import ABOUT, ExportedPredictor
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.models import MODELS, Fcn, ModelSpec, Segmenter
from pixelwise.run import Run
from pixelwise.training.loop import train
from pixelwise.workflows.export import Export, export

FORMATS: list[Format] = ["onnx", "openvino", "torch"]
EVERY: list[ModelSpec] = [
    kind.model_validate({"weights": None} if "weights" in kind.model_fields else {}) for kind in MODELS.values()
]
CPU, INT8 = InferenceOptions(device="cpu"), InferenceOptions(precision="int8")
FIT = Fit(epochs=3, batch_size=4, device="cpu", precision="fp32", workers=0)


@pytest.fixture(
    scope="module", params=[None, pytest.param((48, 64), marks=pytest.mark.slow)], ids=["own size", "resized"]
)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    small = Experiment(
        name="tests/exported", data=Shapes(size=(64, 80), images=40), model=Fcn(), image_size=request.param, fit=FIT
    )
    return train(small, out=tmp_path_factory.mktemp("export") / "run")


@pytest.fixture(scope="module")
def exported(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Format], Export]:
    """The run in a format, made once."""
    return cache(lambda to: export(run, to, out=tmp_path_factory.mktemp(to) / "export"))


def image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_accepts_every_size_and_predicts_as_the_run_does(
    run: Run, exported: Callable[[Format], Export], to: Format
) -> None:
    done = exported(to)
    assert done.certificate.changed_pixels <= 0.001
    loaded, own = ExportedPredictor(done.folder), Predictor.load(run, CPU)
    for size in ((64, 80), (33, 47), (101, 66)):
        found, expected = loaded(image(*size)), own(image(*size))
        assert found.dtype == np.uint8
        assert (found == expected).mean() > 0.998
    assert loaded.label_space == Shapes().label_space
    stored = json.loads((done.folder / "certificate.json").read_text())
    assert stored["mean_iou"] == pytest.approx(run.results()["val"].mean_iou, abs=1e-9)
    assert [file.name for file in done.folder.parent.iterdir()] == ["export"]


@pytest.mark.parametrize("to", FORMATS)
def test_a_batch_is_predicted_as_single_images_are(run: Run, exported: Callable[[Format], Export], to: Format) -> None:
    loaded, own = ExportedPredictor(exported(to).folder), Predictor.load(run, CPU)
    images = np.stack([image(51, 70), image(51, 70)[::-1], image(51, 70)[:, ::-1]])
    for batch in (images[:1], images):
        assert (loaded.run(batch) == np.stack([own(one) for one in batch])).mean() > 0.998


def test_the_file_contains_the_classes(exported: Callable[[Format], Export]) -> None:
    onnx = pytest.importorskip("onnx")
    file = exported("onnx").folder / "model.onnx"
    held = {prop.key: prop.value for prop in onnx.load(file).metadata_props}
    assert LabelSpace.model_validate(json.loads(held["pixelwise"])["label_space"]) == Shapes().label_space
    onnx.checker.check_model(onnx.load(file))


@pytest.mark.slow
def test_int8_is_certified(
    run: Run, exported: Callable[[Format], Export], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf")
    # After one epoch the confidence is too low for the actual bounds.
    monkeypatch.setattr(parity, "MAX_CHANGED_PIXELS", {"fp32": 0.001, "int8": 0.5})
    monkeypatch.setattr(parity, "MAX_LOST_MEAN_IOU", {"fp32": 0.001, "int8": 0.5})
    found = export(run, "openvino", options=INT8, out=tmp_path / "int8").certificate
    plain = exported("openvino").certificate
    assert found.precision == "int8"
    assert found.changed_pixels > plain.changed_pixels
    assert found.bytes_exported < plain.bytes_exported


@pytest.mark.nightly  # half a minute each
@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.kind)
def test_every_network_can_be_exported(spec: ModelSpec, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Segmenter(spec.build(4), spec, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).eval()
    module = Deployed(model, None).eval()
    try:
        write(module, "onnx", tmp_path, {})
    except InvalidSpec as e:
        pytest.fail(f"{spec.kind}: {e}")
    (tmp_path / ABOUT).write_text(
        json.dumps(
            {"label_space": Shapes().label_space.model_dump(mode="json"), "epoch": 1, "recipe": "t", "format": "onnx"}
        )
    )
    exported = ExportedPredictor(tmp_path)
    for size in ((160, 192), (170, 233)):
        pixels = image(*size)
        with torch.inference_mode():
            expected = module(torch.from_numpy(pixels)[None])[0].numpy()
        assert (exported(pixels) == expected).mean() > 0.995


@pytest.mark.slow
def test_an_export_beyond_the_bounds_is_not_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "MAX_CHANGED_PIXELS", {"fp32": -1.0})
    with pytest.raises(RunError, match=r"differs too much from the run: it changes .* of the pixels of val"):
        export(run, "torch", out=tmp_path / "export")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_export_with_other_weights_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the actual bounds; one number of the last layer differs."""

    def damaged(module: Deployed, *rest: Any) -> Path:
        module = copy.deepcopy(module)
        with torch.no_grad():
            list(module.parameters())[-1][0] += 1
        return write(module, *rest)

    monkeypatch.setattr("pixelwise.workflows.export.write", damaged)
    with pytest.raises(RunError, match=r"differs too much from the run: .* Nothing was written"):
        export(run, "torch", out=tmp_path / "export")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(360, 480), (101, 66), (33, 47), (375, 500)])
def test_an_export_resizes_as_the_run_does(size: tuple[int, int]) -> None:
    """Exactly if a side is halved, where rounding matters most; otherwise a few bytes differ by 1."""
    pixels = torch.from_numpy(image(*size)).permute(2, 0, 1)
    for wanted in ((size[0] // 2, size[1] // 2), (48, 64)):
        expected = resize_image(pixels, wanted)
        wide = round_to_byte(pixels.float() @ resize_weights(size[1], wanted[1]).T)
        found = round_to_byte(resize_weights(size[0], wanted[0]) @ wide).to(torch.uint8)
        off = (found.int() - expected.int()).abs()
        assert off.max() <= 1
        assert (off > 0).float().mean() <= (0 if 2 * wanted[0] == size[0] else 0.002)


def test_the_error_names_a_missing_library(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(InvalidSpec, match=r"needs onnxscript: pip install 'pixelwise\[export\]'"):
        export(run, "onnx")


@pytest.mark.parametrize(
    ("to", "options", "message"),
    [
        ("onnx", InferenceOptions(flip=True), "without flip: leave out --flip, --scales and --window."),
        ("torch", InferenceOptions(scales=(0.5, 1)), "without scales 0.5 1: leave out --flip, --scales and --window."),
        ("onnx", InferenceOptions(window=(32, 32)), "without window 32 32: leave out --flip, --scales and --window."),
        ("onnx", InferenceOptions(backend="onnxruntime"), "library of its format: leave out --device and --backend."),
        ("onnx", InferenceOptions(device="cuda"), "library of its format: leave out --device and --backend."),
        ("openvino", InferenceOptions(precision="bf16"), "--to openvino does not support bf16; use fp32, or int8 with"),
        ("onnx", INT8, "--to onnx does not support int8; use fp32, or int8 with --to openvino."),
        ("torch", INT8, "--to torch does not support int8; use fp32, or int8 with --to openvino."),
    ],
)
def test_options_that_an_export_does_not_support_are_refused(
    to: Format, options: InferenceOptions, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSpec, match=re.escape(message)) as raised:
        export(tmp_path / "no run is read", to, out=tmp_path / "export", options=options)
    assert str(raised.value).count(". ") == 0, "one sentence"
    assert not list(tmp_path.iterdir())


def test_an_export_of_an_earlier_version_still_loads(exported: Callable[[Format], Export], tmp_path: Path) -> None:
    """Its label space has the field names of version 6."""
    folder = shutil.copytree(exported("torch").folder, tmp_path / "old")
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    space = about["label_space"] | {"ignored_in_evaluation": ["house"]}
    names = {"colors": "colours", "void_color": "void_colour", "ignored_in_evaluation": "not_judged"}
    assert names.keys() <= space.keys()
    about["label_space"] = {names.get(key, key): value for key, value in space.items()}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    loaded, new = ExportedPredictor(folder), ExportedPredictor(exported("torch").folder)
    assert loaded.label_space == new.label_space.replace(ignored_in_evaluation=("house",))
    assert (loaded(image(64, 80)) == new(image(64, 80))).all()


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"label_space": {}}'])
def test_a_damaged_description_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.onnx").touch()
    (tmp_path / ABOUT).write_text(text)
    with pytest.raises(RunError, match=r"export\.json is damaged; export the run again"):
        ExportedPredictor(tmp_path)


@pytest.mark.parametrize("to", FORMATS)
def test_a_damaged_model_is_refused(exported: Callable[[Format], Export], to: Format, tmp_path: Path) -> None:
    shutil.copytree(exported(to).folder, tmp_path / "damaged")
    file = tmp_path / "damaged" / formats.FILES[to]
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RunError, match=f"{file.name} is damaged: .* cannot load it; export the run again"):
        ExportedPredictor(tmp_path / "damaged")


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no export"):
        ExportedPredictor(tmp_path)
