"""The server sends the predictions of the run, and rejects invalid requests."""

import asyncio
import json
import re
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw

from pixelwise.core.errors import DataError, InvalidSpec, RunError
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predict import predict
from pixelwise.inference.predictor import Predictor, Segmented
from pixelwise.run import Run
from pixelwise.serving.app import Limits, build
from pixelwise.serving.batches import Batches
from pixelwise.serving.responses import polygons
from pixelwise.training.loop import train
from pixelwise.workflows.export import export
from pixelwise.workflows.serve import application, serve
from tests.data.trees import write_image
from tests.networks import Small
from tests.serving.servers import serving

OVERLAY = "image/vnd.pixelwise.overlay+png"
CPU = InferenceOptions(device="cpu")
PAGE = "application/vnd.pixelwise.page+json"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    fit = Fit(epochs=1, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="tests/served", data=Shapes(size=(32, 32), images=8), model=Small(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("serve") / "run")


@pytest.fixture(scope="module")
def client(run: Run) -> Iterator[TestClient]:
    limits = Limits(body_bytes=50_000, pixels=100 * 100, timeout=20, concurrent=32)
    with TestClient(build(Predictor.load(run, CPU), "tests/served", limits)) as found:
        yield found


def picture(size: tuple[int, int] = (40, 30), kind: str = "PNG", seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, format=kind)
    return file.getvalue()


def test_a_served_mask_is_the_predicted_file_byte_for_byte(run: Run, client: TestClient) -> None:
    files = [write_image(Path(f"{n}.png"), (20 + n, 30)) for n in range(4)]
    written = predict(run, files, "out", options=CPU).written
    with ThreadPoolExecutor(4) as pool:  # together, so that some share a batch
        responses = list(pool.map(lambda file: client.post("/v1/segment", content=file.read_bytes()), files))
    for response, one in zip(responses, written, strict=True):
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/png"
        assert response.content == one.labels.read_bytes()


def test_the_overlay_has_the_images_size(client: TestClient) -> None:
    response = client.post("/v1/segment", content=picture((41, 33)), headers={"Accept": OVERLAY})
    assert response.headers["content-type"] == OVERLAY
    assert Image.open(BytesIO(response.content)).size == (41, 33)


def test_the_json_response_has_shares_and_outlines(run: Run, client: TestClient) -> None:
    body = picture((40, 30))
    found = client.post("/v1/segment", content=body, headers={"Accept": "application/json"}).json()
    classes = Predictor.load(run, CPU)(np.array(Image.open(BytesIO(body))))
    assert (found["width"], found["height"]) == (40, 30)
    assert sum(one["share"] for one in found["classes"]) == pytest.approx(1)
    names = Shapes().label_space.names
    assert {one["name"] for one in found["classes"]} == {names[c] for c in np.unique(classes)}
    for one in found["classes"]:
        assert one["share"] == pytest.approx((classes == names.index(one["name"])).mean())
        assert one["polygons"]


def test_the_page_receives_class_and_confidence_of_every_pixel(run: Run, client: TestClient) -> None:
    body = picture((40, 30))
    found = client.post("/v1/segment", content=body, headers={"Accept": PAGE}).json()
    predictor, pixels = Predictor.load(run, CPU), np.array(Image.open(BytesIO(body)))
    logits = predictor.logits([torch.from_numpy(pixels).permute(2, 0, 1)])[0]
    shown = {name: np.array(Image.open(BytesIO(b64decode(found[name])))) for name in ("classes", "confidence")}
    assert np.array_equal(shown["classes"], predictor(pixels))
    powers = np.exp(logits.numpy().astype(np.float64))
    assert np.abs(shown["confidence"] / 255 - powers.max(0) / powers.sum(0)).max() <= 0.5 / 255 + 1e-6
    assert sum(found["shares"]) == pytest.approx(1)


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    for address, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "javascript"),
        ("/draw.js", "javascript"),
    ):
        response = client.get(address)
        assert response.status_code == 200
        assert kind in response.headers["content-type"]
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert not re.search(r"https?://|//[a-z]+\.", response.text)


def test_examples_are_offered_by_number() -> None:
    images = [picture(kind="JPEG", seed=n) for n in range(2)]
    with TestClient(build(Slow(), "t", examples=images)) as client:
        assert client.get("/v1/model").json()["examples"] == 2
        assert client.get("/v1/examples/1").content == images[1]
        for wrong in ("2", "-1", "x", "²", "9" * 5000):
            response = client.get(f"/v1/examples/{wrong}")
            assert response.status_code == 404
            assert "there is no example" in response.json()["error"]


def test_an_unknown_address_gets_an_error_message(client: TestClient) -> None:
    assert client.get("/v2").json() == {"error": "GET /v2 is not part of this API (Not Found): see /docs."}
    wrong = client.get("/v1/segment")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST"


def test_outlines_enclose_the_mask() -> None:
    rng = np.random.default_rng(0)
    mask = np.kron(rng.random((6, 7)) < 0.5, np.ones((9, 9))).astype(bool)
    drawn = Image.new("1", mask.shape[::-1])
    pen = ImageDraw.Draw(drawn)
    for outer, *holes in polygons(mask):
        pen.polygon([(x - 0.5, y - 0.5) for x, y in outer], fill=1)
        for hole in holes:
            pen.polygon([(x - 0.5, y - 0.5) for x, y in hole], fill=0)
    assert (np.array(drawn) == mask).mean() > 0.9
    assert not polygons(np.zeros((4, 5), bool))


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"", {}, 422, "the body is empty"),
        (b"no image", {}, 422, "the image: is not an image"),
        (picture()[:200], {}, 422, "the image: "),
        (picture((200, 200)), {}, 413, "larger than 50000 bytes"),
        (picture((120, 100), "JPEG"), {}, 413, "120x100 pixels, more than the maximum of 10000"),
        (picture(), {"Content-Type": "text/html"}, 415, "text/html is not an image"),
        (picture(), {"Accept": "audio/mpeg"}, 406, "Accept: audio/mpeg"),
    ],
    ids=["empty", "text", "cut", "bytes", "pixels", "type", "accept"],
)
def test_invalid_requests_are_rejected_with_a_message(
    client: TestClient, body: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    response = client.post("/v1/segment", content=body, headers=headers)
    assert response.status_code == status
    assert message in response.json()["error"]
    assert list(response.json()) == ["error"]


def test_a_body_without_a_length_is_read_up_to_the_limit(client: TestClient) -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(taken) < 10_000:
            taken.append(1)
            yield bytes(10_000)

    assert client.post("/v1/segment", content=endless()).status_code == 413


class Slow:
    """Predicts class 0 everywhere, once `go` is set."""

    def __init__(self) -> None:
        self.label_space, self.epoch = Shapes().label_space, 1
        self.go = threading.Event()
        self.batches: list[int] = []

    def segment(self, images: list[np.ndarray], confidence: bool = False) -> list[Segmented]:
        self.go.wait(10)
        self.batches.append(len(images))
        return [Segmented(np.zeros(image.shape[:2], np.uint8), None) for image in images]


def test_requests_beyond_the_limit_are_rejected() -> None:
    slow = Slow()
    with TestClient(build(slow, "slow", Limits(concurrent=3))) as client, ThreadPoolExecutor(8) as pool:
        responses = [pool.submit(client.post, "/v1/segment", content=picture()) for _ in range(6)]
        deadline = time.monotonic() + 10
        while sum(response.done() for response in responses) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        slow.go.set()
        codes = sorted(response.result().status_code for response in responses)
    assert codes == [200] * 3 + [429] * 3
    assert sum(slow.batches) == 3


def test_a_body_that_does_not_arrive_times_out() -> None:
    for address in serving(build(Slow(), "slow", Limits(timeout=0.2))):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"POST /v1/segment HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nhalf")
            assert client.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_waiting_images_share_a_batch_and_cancelled_ones_are_not_computed() -> None:
    slow = Slow()

    async def given_up() -> None:
        batches = Batches(slow.segment)
        await batches.start()
        waiting = []
        for _ in range(4):
            waiting.append(asyncio.create_task(batches.segment(np.zeros((3, 4, 3), np.uint8))))
            await asyncio.sleep(0.05)  # the first is being computed, the others wait
        waiting[2].cancel()
        await asyncio.sleep(0.05)
        slow.go.set()
        await batches.stop()

    asyncio.run(given_up())
    assert slow.batches == [1, 2]


def test_a_slow_prediction_times_out() -> None:
    slow = Slow()
    with TestClient(build(slow, "slow", Limits(timeout=0.2))) as client:
        response = client.post("/v1/segment", content=picture())
        slow.go.set()
    assert response.status_code == 503
    assert "no response within 0.2 seconds" in response.json()["error"]


def test_shutting_down_finishes_images_in_the_queue() -> None:
    slow = Slow()

    async def interrupted() -> Segmented:
        batches = Batches(slow.segment)
        await batches.start()
        waiting = asyncio.create_task(batches.segment(np.zeros((3, 4, 3), np.uint8)))
        await asyncio.sleep(0.05)
        threading.Timer(0.1, slow.go.set).start()
        await batches.stop()
        return await waiting

    assert asyncio.run(interrupted()).classes.shape == (3, 4)


def test_a_network_that_fails_fails_one_batch() -> None:
    class Moody(Slow):
        def segment(self, images: list[np.ndarray], confidence: bool = False) -> list[Segmented]:
            if not self.batches:
                self.batches.append(0)
                raise RuntimeError("out of memory")
            return [Segmented(np.zeros(image.shape[:2], np.uint8), None) for image in images]

    with TestClient(build(Moody(), "moody"), raise_server_exceptions=False) as client:
        failed = client.post("/v1/segment", content=picture())
        assert failed.status_code == 500
        assert failed.json()["error"].startswith("the network failed")
        assert client.post("/v1/segment", content=picture()).status_code == 200


def test_a_token_is_required(run: Run) -> None:
    with TestClient(build(Predictor.load(run, CPU), "t", token="secret")) as client:
        assert client.post("/v1/segment", content=picture()).status_code == 401
        wrong = client.post("/v1/segment", content=picture(), headers={"Authorization": "Bearer secre"})
        assert wrong.status_code == 401
        assert client.get("/v1/model").status_code == 401
        right = client.post("/v1/segment", content=picture(), headers={"Authorization": "Bearer secret"})
        assert right.status_code == 200
        assert client.get("/healthz").status_code == 200


def test_model_metrics_and_openapi_are_available(client: TestClient) -> None:
    model = client.get("/v1/model").json()
    assert [one["name"] for one in model["classes"]] == list(Shapes().label_space.names)
    assert model["name"] == "tests/served"
    client.post("/v1/segment", content=picture())
    metrics = client.get("/metrics").text
    assert 'pixelwise_requests_total{status="200"}' in metrics
    assert "pixelwise_requests_in_progress 0.0" in metrics
    assert re.search(r"^pixelwise_response_seconds_count [1-9]", metrics, re.M)
    paths = json.loads(client.get("/openapi.json").text)["paths"]
    assert {"/v1/segment", "/v1/model", "/healthz", "/metrics"} <= set(paths)


@pytest.mark.parametrize(("local", "offered"), [(True, 2), (False, 0)])
def test_validation_images_are_offered_to_this_machine_only(run: Run, local: bool, offered: int) -> None:
    with TestClient(application(run.path, local=local)) as client:
        assert client.get("/v1/model").json()["examples"] == offered


def test_a_folder_of_examples_is_offered_to_everyone(run: Run) -> None:
    write_image(Path("shown/garden.png"), (20, 30))
    with TestClient(application(run.path, local=False, examples=Path("shown"))) as client:
        assert Image.open(BytesIO(client.get("/v1/examples/0").content)).size == (30, 20)
    with pytest.raises(DataError, match="is not a folder"):
        application(run.path, local=True, examples=Path("shown/garden.png"))


def test_a_run_is_served_with_inference_options(run: Run) -> None:
    options = CPU.replace(flip=True)
    body, pixels = picture(), np.array(Image.open(BytesIO(picture())))
    expected, plain = Predictor.load(run, options)(pixels), Predictor.load(run, CPU)(pixels)
    assert (expected != plain).any()
    with TestClient(application(run.path, local=False, options=options)) as client:
        labels = np.array(Image.open(BytesIO(client.post("/v1/segment", content=body).content)))
    assert (labels == np.array(Shapes().label_space.raw_ids)[expected]).all()


@pytest.mark.slow
@pytest.mark.parametrize("options", [InferenceOptions(flip=True), CPU, InferenceOptions(precision="bf16")])
def test_an_export_is_served_without_inference_options(run: Run, options: InferenceOptions, tmp_path: Path) -> None:
    folder = export(run, "torch", out=tmp_path / "export").folder
    with TestClient(application(folder, local=True)) as client:
        assert client.get("/v1/model").json()["name"] == "tests/served, torch"
        assert client.post("/v1/segment", content=picture()).status_code == 200
    with pytest.raises(InvalidSpec, match="is an export, whose inference options are fixed: leave out --device") as e:
        application(folder, local=True, options=options)
    assert str(e.value).count(". ") == 0, "one sentence"


def test_invalid_arguments_are_refused_before_the_network_is_loaded(run: Run) -> None:
    with pytest.raises(InvalidSpec, match="--max-concurrent is 0"):
        serve(run.path, port=0, max_concurrent=0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=rf"listen on 127\.0\.0\.1:{port}: address already in use; choose"):
            serve(Path("nothing"), port=port)
    with pytest.raises(RunError, match="ports are 0 to 65535"):
        serve(run.path, port=99999)
    with pytest.raises(RunError, match="there is no run folder nothing"):
        serve(Path("nothing"), port=0)
