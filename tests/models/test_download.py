"""Published weights are downloaded once; a run needs them only at its start."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor

from pixelwise.core.errors import InvalidSpec
from pixelwise.experiment import Experiment
from pixelwise.inference.predictor import Predictor
from pixelwise.models import DeeplabV3, ModelSpec, ResnetFcn
from pixelwise.training import loop
from pixelwise.training.loop import resume, train
from tests.models.test_pretrained import published

SPEC = ResnetFcn(encoder="resnet18", widths=(8, 8, 8, 8, 8))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("published") / "weights.pth"
    torch.save(published("resnet18").state_dict(), file)
    return file


class Web:
    """A web server of one file: any path that holds its name gives it, all others are 404.

    Args:
        content: The file.
    """

    def __init__(self, content: bytes) -> None:
        self.asked: list[str] = []
        self.name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                found = "resnet18" in self.path
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(content) if found else 0))
                self.end_headers()
                self.wfile.write(content if found else b"")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/models/{name}"


@pytest.fixture
def web(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web = Web(file.read_bytes())
    yield web
    web.server.shutdown()
    web.server.server_close()


def at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Moves torchvision's weights to another address."""
    entry = {"IMAGENET1K_V1": SimpleNamespace(url=url)}
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda _: entry)


def refusal() -> str:
    network = SPEC.build(3)
    with pytest.raises(InvalidSpec) as refused:
        SPEC.load_pretrained(network)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_weights_are_downloaded_once_and_checked(web: Web, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, web.url(web.name))
    state = torch.load(file, weights_only=True)
    for _ in range(2):
        network = SPEC.build(3)
        SPEC.load_pretrained(network)
        own = network.get_submodule("encoder.layers").state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())
    assert web.asked == [f"/models/{web.name}"]


def test_a_file_that_is_not_what_its_name_says_is_not_kept(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    url = web.url("resnet18-00000000.pth")
    at(monkeypatch, url)
    assert refusal().startswith(f"the weights of resnet18 cannot be downloaded from {url} (invalid hash")
    assert not list(Path(torch.hub.get_dir()).rglob("*.pth"))


# urllib's own 404 holds its socket until it is collected.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning")
def test_an_address_that_is_gone_or_silent_is_named_with_both_ways_out(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, web.url("gone-12345678.pth"))
    assert "HTTP Error 404" in refusal()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        at(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}/resnet18-12345678.pth")
        text = refusal()
    assert "Connection refused" in text
    assert "--set model.weights=FILE" in text
    assert "--set model.weights=none" in text


@pytest.mark.parametrize(
    "content", [b"", b"<html>please log in</html>", bytes(range(256))], ids=["empty", "html", "junk"]
)
def test_a_damaged_file_in_torchs_cache_is_named_so_that_it_can_be_deleted(
    web: Web, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    at(monkeypatch, web.url(web.name))
    kept = Path(torch.hub.get_dir(), "checkpoints", web.name)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    assert refusal().startswith(f"{kept} cannot be read as weights: delete it")
    kept.unlink()
    SPEC.load_pretrained(SPEC.build(3))


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        (ResnetFcn(encoder="resnet34"), torchvision.models.ResNet34_Weights.IMAGENET1K_V1),
        (ResnetFcn(encoder="resnet50"), torchvision.models.ResNet50_Weights.IMAGENET1K_V1),
        (ResnetFcn(encoder="mobilenet_v2"), torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1),
        (DeeplabV3(), torchvision.models.segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1),
    ],
    ids=["resnet34", "resnet50", "mobilenet_v2", "deeplabv3"],
)
def test_pretrained_means_torchvisions_own_address_and_constants(
    spec: ModelSpec, weights: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked: list[str] = []

    def offline(url: str, **how: Any) -> None:
        assert how["check_hash"]
        assert how["weights_only"]
        asked.append(url)
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    with torch.device("meta"), pytest.raises(InvalidSpec, match=r"no network.*give a file of weights"):
        spec.load_pretrained(spec.build(21))
    assert asked == [weights.url]
    transforms = weights.transforms()
    assert (list(spec.mean or ()), list(spec.std or ())) == (list(transforms.mean), list(transforms.std))


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "draw_curves", lambda *_: None)
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)


def test_training_loads_weights_before_data_is_decoded_and_leaves_no_run_folder(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "prepare", lambda *_: pytest.fail("data was decoded"))
    (tmp_path / "wrong.pth").write_bytes(b"wrong")
    model = SPEC.replace(weights=str(tmp_path / "wrong.pth"))
    with pytest.raises(InvalidSpec, match=r"wrong\.pth cannot be read as weights"):
        train(tiny.replace(model=model), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def encoder(run_file: Path) -> dict[str, Tensor]:
    prefix = "network.encoder.layers."
    return {name.removeprefix(prefix): t for name, t in load_file(run_file).items() if name.startswith(prefix)}


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_starts_from_the_weights_and_needs_their_file_only_once(
    tiny: Experiment, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen, they are what comes out again, of a run that was stopped, resumed and loaded without them."""
    once = tmp_path / "once.pth"
    once.write_bytes(file.read_bytes())
    experiment = tiny.replace(model=SPEC.replace(weights=str(once), frozen=True))
    real = loop._train_round

    def dying(learner: Any, number: int, *rest: Any) -> Any:
        if number == 2:
            raise MemoryError("killed")
        return real(learner, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_round", dying)
        with pytest.raises(MemoryError):
            train(experiment, out=tmp_path / "run")
    once.unlink()
    run = resume(tmp_path / "run")
    assert len(run.history()) == 2
    state = torch.load(file, weights_only=True)
    for checkpoint in (run.best, run.last):
        own = encoder(checkpoint)
        assert own.keys() == state.keys() - {"fc.weight", "fc.bias"}
        assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())
    loaded = Predictor.load(run).model.network.get_parameter("encoder.layers.conv1.weight")
    assert torch.equal(loaded, state["conv1.weight"])


@pytest.mark.slow
@pytest.mark.usefixtures("_no_pictures")
def test_a_run_that_was_stopped_in_its_first_epoch_starts_from_the_weights_again(
    tiny: Experiment, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of them was stored yet: without them it would go on from noise, and not say so."""
    experiment = tiny.replace(model=SPEC.replace(weights=str(file)))
    whole = train(experiment, out=tmp_path / "whole")

    def dying(*_: Any) -> Any:
        raise MemoryError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_round", dying)
        with pytest.raises(MemoryError):
            train(experiment, out=tmp_path / "stopped")
    resumed = load_file(resume(tmp_path / "stopped").last)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in load_file(whole.last).items())
