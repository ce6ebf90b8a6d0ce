"""Server in a thread."""

import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


def serving(app: FastAPI) -> Iterator[str]:
    """Runs an application and yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
