"""Queue that predicts images of concurrent requests in batches, one batch after the other, in one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from pixelwise.inference.predictor import Segmented

Pixels = UInt8[np.ndarray, "H W 3"]
MAX_BATCH = 8
"""Maximum number of images in a batch."""


class _Item(NamedTuple):
    image: Pixels
    confidence: bool
    result: asyncio.Future[Segmented]


class Batches:
    """Queue of images in front of a predictor.

    Args:
        segment: Function that predicts several images, with or without confidence.
    """

    def __init__(self, segment: Callable[[list[Pixels], bool], list[Segmented]]) -> None:
        self._segment = segment
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "network")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts to process images."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Processes all queued images, then stops."""
        await self._queue.join()
        if self._task:
            self._task.cancel()
        self._thread.shutdown()

    async def segment(self, image: Pixels, confidence: bool = False) -> Segmented:
        """Class ids of an image, and their confidence if it is requested."""
        result: asyncio.Future[Segmented] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Item(image, confidence, result))
        return await result

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._predict([item for item in batch if not item.result.done()])  # the others have timed out
            for _ in batch:
                self._queue.task_done()

    async def _predict(self, batch: list[_Item]) -> None:
        """Predicts a batch and sets the result, or the exception, of its items."""
        if not batch:
            return
        images, confidence = [item.image for item in batch], any(item.confidence for item in batch)
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._segment, images, confidence)
        except Exception as e:  # passed on to the requests of this batch; the next batch is not affected
            for item in batch:
                if not item.result.done():
                    item.result.set_exception(e)
        else:
            for item, segmented in zip(batch, results, strict=True):
                if not item.result.done():  # the client may have disconnected
                    item.result.set_result(segmented)
