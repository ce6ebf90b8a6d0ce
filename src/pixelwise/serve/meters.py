"""What Prometheus reads: requests by status, seconds, images that wait."""

import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pixelwise.serve.batches import Batches


class Meters:
    """The meters of one application.

    Args:
        batches: Its queue.
    """

    def __init__(self, batches: Batches) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "pixelwise_requests", "Requests to segment, by status", ["status"], registry=self.registry
        )
        self._seconds = Histogram("pixelwise_seconds", "From arrival to answer", registry=self.registry)
        waiting = Gauge("pixelwise_waiting", "Images that wait for the network", registry=self.registry)
        waiting.set_function(lambda: batches.length)

    async def watch(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Counts a request, if it is one to segment."""
        if request.url.path != "/v1/segment":
            return await go_on(request)
        began, status = time.perf_counter(), 500  # unless an answer says otherwise
        try:
            response = await go_on(request)
            status = response.status_code
            return response
        finally:
            self._requests.labels(status).inc()
            self._seconds.observe(time.perf_counter() - began)
