"""Chance as a function: every random number of a run follows from (seed, epoch, index) and from nothing else.

No generator's state outlives an epoch, so the number of workers changes nothing and a resumed run needs no stored
random state: epoch n draws the same numbers whether or not epoch n-1 was run by this process.
"""

import numpy as np
import torch


def generator(seed: int, *key: int) -> np.random.Generator:
    """A generator for one purpose.

    Args:
        seed: The run's seed.
        key: What it is for: `(epoch,)` for an order, `(epoch, index)` for one sample's augmentation.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def seed_torch(seed: int, *key: int) -> None:
    """Seeds torch's global generators (dropout, initial weights) on every device, by the same rule."""
    torch.manual_seed(int(generator(seed, *key).integers(2**63)))
