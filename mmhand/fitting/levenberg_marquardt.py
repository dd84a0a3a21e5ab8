"""Levenberg-Marquardt for many small problems at once."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

StateT = TypeVar('StateT', bound='Movable')

#: Damping to start with and its range; factors after a step that helps, and one that does not.
_START, _LOW, _HIGH = 1e-2, 1e-7, 1e7
_EASE, _STIFFEN = 0.2, 6.0


class Movable(Protocol):
    """State of B problems."""

    def moved(self: StateT, change: Tensor) -> StateT:
        """The state after a change (B, U)."""

    def where(self: StateT, better: Tensor, other: StateT) -> StateT:
        """``other`` where not ``better`` (B,)."""


class Normal(NamedTuple):
    """Least squares about a state.

    Attributes:
        matrix: (B, U, U) ``J^T W J``.
        slope: (B, U) ``J^T W r``.
        cost: (B,) what is minimised, twice over.
    """

    matrix: Tensor
    slope: Tensor
    cost: Tensor


def levenberg_marquardt(
    state: StateT,
    linearise: Callable[[StateT], Normal],
    steps: int,
    tolerance: float = 1e-3,
) -> tuple[StateT, Normal]:
    """Minimise; each problem has its own damping and takes only steps that help.

    Args:
        state: of B problems.
        linearise: normal equations and cost at a state. It is called once a step.
        steps: at most.
        tolerance: end when no problem's cost fell by more than this part of it in two steps
            running.

    Returns:
        The best state met, and the normal equations there.
    """
    normal = linearise(state)
    damping = torch.full_like(normal.cost[:, None], _START)
    calm = 0
    for _ in range(steps):
        diagonal = normal.matrix.diagonal(dim1=1, dim2=2).clamp_min(1e-9)
        stiff = normal.matrix + torch.diag_embed(damping * diagonal)
        factor, info = torch.linalg.cholesky_ex(stiff)
        change = torch.cholesky_solve(normal.slope[..., None], factor)[..., 0]
        trial = state.moved(torch.where((info == 0)[:, None], -change, 0.0))
        at_trial = linearise(trial)
        better = (at_trial.cost < normal.cost) & (info == 0)
        gain = torch.where(better, 1 - at_trial.cost / normal.cost.clamp_min(1e-12), 0.0)
        state = trial.where(better, state)
        normal = Normal(
            *(
                torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(at_trial, normal, strict=True)
            )
        )
        damping = torch.where(better[:, None], damping * _EASE, damping * _STIFFEN)
        damping = damping.clamp(_LOW, _HIGH)
        calm = calm + 1 if float(gain.max()) < tolerance else 0
        if calm == 2:
            break
    return state, normal
