"""Work on several items side by side, each in a thread of its own."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], lanes: int) -> Iterator[Result]:
    """What the work makes of each item, in their order.

    Args:
        work: Takes an item. With several lanes, torch gives each of its threads one processor while this goes on.
        items: Taken as they are needed, one for each lane ahead.
        lanes: How many threads; one is the caller's own.
    """
    if lanes == 1:
        yield from map(work, items)
        return
    usual, begun = torch.get_num_threads(), deque[Future[Result]]()
    with ThreadPoolExecutor(lanes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > lanes:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
            torch.set_num_threads(usual)
