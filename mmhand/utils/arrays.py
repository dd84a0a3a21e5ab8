"""Functions written for tensors that serve NumPy arrays too."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import torch
from torch import Tensor


def numpy_too(function: Callable) -> Callable:
    """Let a function of tensors take arrays: any array among its arguments makes it return arrays.

    Arrays become tensors that share their memory, and the tensors in what the function returns (alone,
    in tuples, lists or dicts) become arrays. Calls without arrays are left alone.
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not any(isinstance(value, np.ndarray) for value in (*args, *kwargs.values())):
            return function(*args, **kwargs)
        result = function(
            *map(_to_tensor, args), **{key: _to_tensor(value) for key, value in kwargs.items()}
        )
        return _to_numpy(result)

    return wrapped


def _to_tensor(value: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


def _to_numpy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple) and hasattr(value, '_fields'):
        return type(value)(*map(_to_numpy, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_to_numpy, value))
    if isinstance(value, dict):
        return {key: _to_numpy(entry) for key, entry in value.items()}
    return value
