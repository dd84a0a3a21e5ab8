"""Where transforms get their random numbers."""

import numpy as np


def worker_random_state() -> np.random.RandomState:
    """NumPy's global state, which mmengine seeds in every data-loader worker.

    A state of a transform's own would be copied into all workers and give each the same numbers.
    """
    return np.random.mtrand._rand
