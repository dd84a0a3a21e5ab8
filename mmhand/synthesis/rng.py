"""Random streams that depend only on a seed and on what they are for.

Everything random in a synthetic scene draws from a stream named after its purpose and place, so a
sample is the same whichever process makes it, in whatever order, next to whichever others.
"""

import zlib

import numpy as np
import torch


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """A generator of its own for one purpose.

    Args:
        seed: seed of the data set, any integer >= 0.
        keys: what the stream is for, e.g. ``('pose', frame)``; texts and non-negative integers.

    Returns:
        A generator that is the same for the same arguments on every machine.
    """
    words = [zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in keys]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(seed), *words])))


def derive_seed(seed: int, *keys: str | int) -> int:
    """A new 63-bit seed from a seed and the purpose it is for (see :func:`stream`)."""
    return int(stream(seed, *keys).integers(2**63))


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator on the CPU seeded from the next draw of a numpy generator."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))
