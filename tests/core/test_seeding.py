"""Random numbers are a function of the seed and the key."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixelwise.core.seeding import generator, seed_torch

keys = st.tuples(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple))


def draw(seed: int, *key: int) -> list[int]:
    numbers: list[int] = generator(seed, *key).integers(2**63, size=3).tolist()
    return numbers


@given(a=keys, b=keys)
def test_numbers_are_the_same_exactly_if_the_key_is(a: tuple[int, tuple[int, ...]], b: tuple[int, tuple[int, ...]]):
    assert draw(a[0], *a[1]) == draw(a[0], *a[1])
    assert (draw(a[0], *a[1]) == draw(b[0], *b[1])) == (a == b)


def test_neighboring_keys_differ_trailing_zeros_included() -> None:
    near = [(), (0,), (0, 0), (1,), (1, 0), (0, 1), (1, 0, 0), (1, 1), (2,)]
    seeds = (0, 1, 2)
    assert len({tuple(draw(seed, *key)) for seed in seeds for key in near}) == len(seeds) * len(near)


def test_the_order_of_the_first_round_never_changes() -> None:
    """Another order would change the results of all recorded runs."""
    assert generator(0, 1).permutation(8).tolist() == [6, 3, 4, 7, 2, 0, 1, 5]


def test_drawing_from_one_generator_moves_no_other() -> None:
    first = draw(5, 1)
    np.random.default_rng(0).random(100)
    generator(5, 1).random(100)
    assert draw(5, 1) == first


def test_torch_draws_the_same_after_the_same_seed() -> None:
    drawn = []
    for key in ((3, 1), (3, 1), (3, 2), (3,), (4, 1)):
        seed_torch(*key)
        drawn.append(tuple(torch.rand(4).tolist()))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4
