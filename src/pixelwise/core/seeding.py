"""Random seeds: every random number of a run is a function of (seed, round, index).

A round is the training between two validations. The state of a generator is never carried from one round to the next,
so the random numbers do not depend on the number of workers, and a resumed run needs no stored random state.
"""

import numpy as np
import torch


def generator(seed: int, *key: int) -> np.random.Generator:
    """Returns the random generator of a key.

    Args:
        seed: Seed of the run.
        key: Use of the generator: `(round,)` for the order of the samples, `(round, index)` for the augmentation of
            one sample.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def seed_torch(seed: int, *key: int) -> None:
    """Seeds torch's global generators (initial weights, dropout) on every device; see `generator`."""
    torch.manual_seed(int(generator(seed, *key).integers(2**63)))
