"""Work side by side: in order, bounded, and torch's threads as they were."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from pixelwise.inference.parallel import map_ordered


def test_one_lane_is_the_callers_own_thread() -> None:
    found = map_ordered(lambda item: (item, threading.current_thread()), range(3), 1)
    assert list(found) == [(item, threading.current_thread()) for item in range(3)]


def test_results_come_in_the_order_of_the_items_though_later_ones_are_done_first() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert first_may_end.wait(10)
        if item == 2:
            first_may_end.set()
        return item

    assert list(map_ordered(work, range(9), 2)) == list(range(9))


def test_threads_work_at_the_same_time_each_with_one_of_torchs_threads() -> None:
    usual, together = torch.get_num_threads(), threading.Barrier(2, timeout=10)

    def work(_: int) -> int:
        together.wait()  # breaks unless the other lane is at work
        return torch.get_num_threads()

    assert list(map_ordered(work, range(4), 2)) == [1] * 4
    assert torch.get_num_threads() == usual


def test_items_are_taken_one_ahead_per_thread() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    found = map_ordered(lambda item: item, items(), 2)
    assert next(found) == 0
    assert len(taken) <= 3


def test_an_error_ends_it_and_torchs_threads_are_as_before() -> None:
    usual, done = torch.get_num_threads(), []

    def work(item: int) -> int:
        if item == 3:
            raise ValueError("the fourth")
        time.sleep(0.01)
        done.append(item)
        return item

    with pytest.raises(ValueError, match="the fourth"):
        list(map_ordered(work, range(1000), 2))
    assert len(done) < 10
    assert torch.get_num_threads() == usual
