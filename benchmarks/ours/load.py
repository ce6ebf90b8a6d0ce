"""A server under load: concurrent clients for a minute, which also send invalid requests.

Prints the latencies of the valid requests, the status codes of the others, and the memory of the server as JSON.

Usage: load.py DATA_ROOT WORK
"""

import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import httpx
from make_run import make  # beside this program
from PIL import Image

from pixelwise.inference.predict import predict

CLIENTS, SECONDS, INVALID = 8, 60, 0.2


class Asked(NamedTuple):
    """One request and its answer."""

    kind: str
    status: int
    seconds: float
    right: bool


def bodies(images: list[Path]) -> dict[str, bytes]:
    """Kind -> body of an invalid request."""
    good = images[0].read_bytes()
    wide = BytesIO()
    Image.new("L", (9000, 9000)).save(wide, format="PNG")
    generator = random.Random(0)
    return {
        "random bytes": generator.randbytes(20_000),
        "truncated": good[: len(good) // 2],
        "too many bytes": good + bytes(25_000_000),
        "too many pixels": wide.getvalue(),
    }


def client(number: int, address: str, images: list[Path], labels: Path, until: float, found: list[Asked]) -> None:
    """Sends one request after the other."""
    generator, invalid = random.Random(number), bodies(images)
    with httpx.Client(timeout=60) as http:
        while time.monotonic() < until:
            image = generator.choice(images)
            kind = generator.choice(list(invalid)) if generator.random() < INVALID else "good"
            began = time.perf_counter()
            try:
                answer = http.post(address, content=invalid.get(kind) or image.read_bytes())
            except httpx.HTTPError:  # a body that is too long is rejected before all of it is sent
                found.append(Asked(kind, 0, time.perf_counter() - began, kind != "good"))
                continue
            expected = (labels / f"{image.stem}.png").read_bytes()
            right = answer.content == expected if kind == "good" else list(answer.json()) == ["error"]
            found.append(Asked(kind, answer.status_code, time.perf_counter() - began, right))


def memory(process: int) -> float:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def run_clients(address: str, images: list[Path], labels: Path, seconds: float) -> list[Asked]:
    """Runs all clients concurrently."""
    found: list[Asked] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(number, address, images, labels, until, found))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def summary(found: list[Asked], before: float, after: float) -> dict[str, object]:
    """The figures of a record."""
    good = sorted(one.seconds for one in found if one.kind == "good")
    return {
        "clients": CLIENTS,
        "seconds": SECONDS,
        "good": len(good),
        "wrong": sum(not one.right for one in found),
        "answers": {
            kind: dict(Counter(str(one.status) for one in found if one.kind == kind))
            for kind in sorted({one.kind for one in found})
        },
        "latency": {f"p{share}": good[len(good) * share // 100] for share in (50, 95, 99)},
        "mib": {"after five seconds": before, "at the end": after},
    }


if __name__ == "__main__":
    root, work = map(Path, sys.argv[1:])
    make(root, work)
    images, labels = sorted((work / "images").iterdir()), work / "expected"
    if not labels.exists():
        predict(work / "run", images, labels, overlays=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "pixelwise", "serve", work / "run", "--port", str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        run_clients(f"{address}/v1/segment", images, labels / "labels", 5)
        before = memory(server.pid)
        found = run_clients(f"{address}/v1/segment", images, labels / "labels", SECONDS)
        print(json.dumps(summary(found, before, memory(server.pid))))
    finally:
        server.terminate()
        server.wait()
