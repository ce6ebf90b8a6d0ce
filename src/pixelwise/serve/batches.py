"""Requests that arrive together are predicted together, one batch after the other, in one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import UInt8

Pixels = UInt8[np.ndarray, "H W 3"]
Classes = UInt8[np.ndarray, "H W"]
LARGEST = 8
"""Images in a batch."""


class QueueFull(Exception):
    """As many requests wait as may."""


class Batches:
    """A queue in front of a network.

    Args:
        segment: Predicts several images.
        waiting: How many images may wait.
    """

    def __init__(self, segment: Callable[[list[Pixels]], list[Classes]], waiting: int) -> None:
        self._segment = segment
        self._queue: asyncio.Queue[tuple[Pixels, asyncio.Future[Classes]]] = asyncio.Queue(waiting)
        self._thread = ThreadPoolExecutor(1, "network")
        self._task: asyncio.Task[None] | None = None

    @property
    def length(self) -> int:
        """How many images wait."""
        return self._queue.qsize()

    async def start(self) -> None:
        """Begins to take images."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Finishes what was taken, and ends."""
        await self._queue.join()
        if self._task:
            self._task.cancel()
        self._thread.shutdown()

    async def segment(self, image: Pixels) -> Classes:
        """The class ids of an image.

        Raises:
            QueueFull: Too many wait.
        """
        answer: asyncio.Future[Classes] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((image, answer))
        except asyncio.QueueFull:
            raise QueueFull from None
        return await answer

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < LARGEST and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            images = [image for image, _ in batch]
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self._thread, self._segment, images)
            except Exception as e:  # whoever asked is told; the next batch has nothing to do with it
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(e)
            else:
                for (_, answer), classes in zip(batch, found, strict=True):
                    if not answer.done():  # its client may have gone
                        answer.set_result(classes)
            for _ in batch:
                self._queue.task_done()
