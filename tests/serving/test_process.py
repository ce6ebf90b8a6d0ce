"""The server as a process that is terminated or killed."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from pixelwise.data import Shapes
from pixelwise.experiment import Experiment, Fit
from pixelwise.inference.predict import predict
from pixelwise.run import Run
from pixelwise.training.loop import train
from tests.networks import Small

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    fit = Fit(epochs=1, batch_size=4, device="cpu", precision="fp32", workers=0)
    small = Experiment(name="tests/killed", data=Shapes(size=(32, 32), images=8), model=Small(), fit=fit)
    return train(small, out=tmp_path_factory.mktemp("killed") / "run")


@pytest.fixture
def start(run: Run) -> Iterator[Start]:
    """Starts `pixelwise serve` on a free port; gives the process and its address."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*flags: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "pixelwise", "serve", str(run.path), "--port", "0", *flags]
        begun.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        assert begun[-1].stderr
        line = begun[-1].stderr.readline()
        found = re.match(r"open (http://127\.0\.0\.1:\d+) in a browser", line)
        assert found, line
        return begun[-1], found[1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def photograph(seed: int, side: int = 1500) -> bytes:
    """An image that is large enough to be in progress when the signal arrives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side // 50, side // 50, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).resize((side, side)).save(file, format="JPEG")
    return file.getvalue()


def test_a_terminated_server_finishes_requests_in_progress(run: Run, start: Start) -> None:
    process, address = start()
    bodies = [photograph(seed) for seed in range(4)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        pending = [pool.submit(httpx.post, f"{address}/v1/segment", content=body, timeout=60) for body in bodies]
        arrived = 0.0
        while arrived < len(bodies) and not all(one.done() for one in pending):  # all have arrived
            metrics = httpx.get(f"{address}/metrics").text
            arrived = sum(
                float(n) for n in re.findall(r"^pixelwise_requests_(?:in_progress|total\S*) (\S+)$", metrics, re.M)
            )
        process.send_signal(signal.SIGTERM)
        responses = [one.result() for one in pending]
    assert [response.status_code for response in responses] == [200] * len(bodies)
    for number, body in enumerate(bodies):
        Path(f"{number}.jpg").write_bytes(body)
    written = predict(run, [Path(f"{number}.jpg") for number in range(len(bodies))], "out", overlays=False).written
    assert [response.content for response in responses] == [one.labels.read_bytes() for one in written]
    process.wait(30)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")
    assert process.stderr
    assert not process.stderr.read()  # no traceback


@pytest.mark.slow
def test_a_killed_server_can_be_started_again_at_once(run: Run, start: Start) -> None:
    before = sorted(run.path.rglob("*"))
    process, address = start()
    process.kill()
    process.wait()
    _, again = start("--port", address.rpartition(":")[2])
    assert again == address
    assert httpx.post(f"{again}/v1/segment", content=photograph(0, 200)).status_code == 200
    assert sorted(run.path.rglob("*")) == before
