"""Metrics for Prometheus: requests by status, response times, requests in progress."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Monitoring:
    """Metrics of one application.

    Attributes:
        registry: Registry that Prometheus reads.
        in_progress: Number of segmentation requests in progress.
    """

    def __init__(self) -> None:
        self.registry, self.in_progress = CollectorRegistry(), 0
        self._requests = Counter(
            "pixelwise_requests", "Segmentation requests by HTTP status", ["status"], registry=self.registry
        )
        self._seconds = Histogram(
            "pixelwise_response_seconds", "Time from the arrival of a request to its response", registry=self.registry
        )
        gauge = Gauge("pixelwise_requests_in_progress", "Segmentation requests in progress", registry=self.registry)
        gauge.set_function(lambda: self.in_progress)

    @contextmanager
    def count_in_progress(self) -> Iterator[None]:
        """Counts a request as in progress within the context."""
        self.in_progress += 1
        try:
            yield
        finally:
            self.in_progress -= 1

    async def observe(self, request: Request, respond: Callable[[Request], Awaitable[Response]]) -> Response:
        """Responds to a request; counts and times it if it is a segmentation request.

        Args:
            request: The request.
            respond: Function that handles the request.
        """
        if request.url.path != "/v1/segment":
            return await respond(request)
        began, status = time.perf_counter(), 500  # the status of a request that raises an exception
        try:
            response = await respond(request)
            status = response.status_code
            return response
        finally:
            self._requests.labels(status).inc()
            self._seconds.observe(time.perf_counter() - began)
