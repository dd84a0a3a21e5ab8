"""Orders of samples that a resumed run can go on in, random numbers included."""

import random
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dataset import DefaultSampler

from mmhand.registry import DATA_SAMPLERS

from .transforms.random_state import worker_random_state

_MASK = (1 << 63) - 1


class SeededIndex(int):
    """Index of a sample that brings the seed of the sample's random numbers."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'SeededIndex':
        """An index with its seed."""
        made = super().__new__(cls, index)
        made.seed = seed
        return made

    def __reduce__(self) -> tuple:
        return SeededIndex, (int(self), self.seed)


def mix_seeds(*numbers: int) -> int:
    """One 63-bit seed of several numbers, the same on every machine."""
    words = np.random.SeedSequence([number & _MASK for number in numbers]).generate_state(2)
    return (int(words[0]) << 31) ^ int(words[1])


def seed_sample(index: int) -> None:
    """Seed all random numbers of this process, if the index brings a seed."""
    seed = getattr(index, 'seed', None)
    if seed is not None:
        seed_all(seed)


def seed_all(seed: int) -> None:
    """Seed NumPy's, Python's and torch's global random numbers."""
    worker_random_state().seed(seed % (1 << 32))
    random.seed(seed)
    torch.manual_seed(seed)


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's sampler, whose indices bring seeds (:class:`SeededIndex`), and which can start late.

    A sample's seed depends on the run's, the epoch and its place in it: not on who loads it, on how many
    processes there are, or on what was loaded before. With :class:`.BaseHandDataset` augmentation is the
    same in a resumed run and in one that was never cut short.

    Args:
        kwargs: of ``DefaultSampler``.
    """

    #: Samples of this rank that the next pass leaves out.
    skip = 0

    def __iter__(self) -> Iterator[SeededIndex]:
        indices = list(super().__iter__())
        skip, self.skip = self.skip, 0
        for place in range(skip, len(indices)):
            position = place * self.world_size + self.rank
            yield SeededIndex(indices[place], mix_seeds(self.seed, self.epoch, position))
