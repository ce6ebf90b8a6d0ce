"""pixelwise serve."""

import os
from pathlib import Path

from tyro.conf import Positional

from pixelwise.cli._output import print_note
from pixelwise.inference.options import InferenceOptions


def command(
    source: Positional[Path],
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    max_body_mb: float = 20,
    max_megapixels: float = 20,
    timeout: float = 30,
    max_concurrent: int = 32,
    examples: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> None:
    """Serve a run or an export over HTTP: a page at / and POST /v1/segment. Ctrl-C ends it.

    Args:
        source: folder of a run or of an export
        host: address to listen on; the default is reachable from this machine only
        port: port; 0 takes a free one
        token: token that clients must send as `Authorization: Bearer TOKEN`; else PIXELWISE_TOKEN, else none
        max_body_mb: maximum size of a request body, in MB
        max_megapixels: maximum size of an image, in megapixels
        timeout: maximum time to a response, in seconds
        max_concurrent: maximum number of requests that are processed at once, those waiting included
        examples: folder of images that the page offers; else, for this machine only, validation images
        options: how predictions of a run are computed
    """
    from pixelwise.workflows.serve import serve

    serve(
        source, host=host, port=port, token=token or os.environ.get("PIXELWISE_TOKEN"), max_body_mb=max_body_mb,
        max_megapixels=max_megapixels, timeout=timeout, max_concurrent=max_concurrent, examples=examples,
        options=options, ready=lambda address: print_note(f"open {address} in a browser (API: {address}/docs)"),
    )  # fmt: skip
