"""Ordered parallel map over threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ordered(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Results of a function for each item, in the order of the items.

    Args:
        work: Function of an item. With several threads, torch uses one CPU thread in each of them meanwhile.
        items: Items; each is taken when it is needed, one per thread ahead.
        threads: Number of threads; one means the caller's own.
    """
    if threads == 1:
        yield from map(work, items)
        return
    usual, begun = torch.get_num_threads(), deque[Future[Result]]()
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
            torch.set_num_threads(usual)
