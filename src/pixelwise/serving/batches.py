"""Requests that arrive together are predicted together, one batch after the other, in one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from pixelwise.inference.predictor import Segmented

Pixels = UInt8[np.ndarray, "H W 3"]
LARGEST = 8
"""Images in a batch."""


class _Waiting(NamedTuple):
    image: Pixels
    confidence: bool
    answer: asyncio.Future[Segmented]


class Batches:
    """A queue in front of a network.

    Args:
        segment: Predicts several images, with or without confidence.
    """

    def __init__(self, segment: Callable[[list[Pixels], bool], list[Segmented]]) -> None:
        self._segment = segment
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "network")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to take images."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Finishes what was taken, and ends."""
        await self._queue.join()
        if self._task:
            self._task.cancel()
        self._thread.shutdown()

    async def segment(self, image: Pixels, confidence: bool = False) -> Segmented:
        """The class ids of an image, and how sure the network is of them where that is asked for."""
        answer: asyncio.Future[Segmented] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(image, confidence, answer))
        return await answer

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < LARGEST and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._answer([one for one in batch if not one.answer.done()])  # the others waited too long
            for _ in batch:
                self._queue.task_done()

    async def _answer(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        images, confidence = [one.image for one in batch], any(one.confidence for one in batch)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, self._segment, images, confidence)
        except Exception as e:  # whoever asked is told; the next batch has nothing to do with it
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(e)
        else:
            for one, segmented in zip(batch, found, strict=True):
                if not one.answer.done():  # its client may have gone
                    one.answer.set_result(segmented)
