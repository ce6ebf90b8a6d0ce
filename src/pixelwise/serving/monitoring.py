"""Monitoring for Prometheus: requests by status, response times, requests in progress."""

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
        taken: Requests to segment that are being answered.
    """

    def __init__(self) -> None:
        self.registry, self.taken = CollectorRegistry(), 0
        self._requests = Counter(
            "pixelwise_requests", "Requests to segment, by status", ["status"], registry=self.registry
        )
        self._seconds = Histogram("pixelwise_seconds", "From arrival to answer", registry=self.registry)
        taken = Gauge("pixelwise_taken", "Requests that are being answered", registry=self.registry)
        taken.set_function(lambda: self.taken)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Counts a request as long as it is being answered."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def observe(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
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
