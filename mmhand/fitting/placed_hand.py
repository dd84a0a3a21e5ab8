"""Unknowns of a fit, and its result."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import torch
from torch import Tensor

from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.hand_estimate import HandEstimate


@dataclass(frozen=True, eq=False)
class HandUnknowns:
    """B hands as a fit moves them: 45 + 3 + 3 + S + 1 numbers each.

    Attributes:
        angles: (B, 45) anatomical angles, radians.
        wrist: (B, 3, 3) rotation of the wrist; changes are turns about the camera's axes.
        transl: (B, 3) metres; points of the hand are ``exp(log_size) * model + transl``.
        betas: (B, S).
        log_size: (B, 1).
    """

    angles: Tensor
    wrist: Tensor
    transl: Tensor
    betas: Tensor
    log_size: Tensor

    def moved(self, change: Tensor) -> 'HandUnknowns':
        """The hands after a change (B, 52 + S)."""
        angles, turn, shift, betas, size = change.split((45, 3, 3, self.betas.shape[1], 1), 1)
        return HandUnknowns(
            self.angles + angles,
            axis_angle_to_matrix(turn) @ self.wrist,
            self.transl + shift,
            self.betas + betas,
            self.log_size + size,
        )

    def where(self, better: Tensor, other: 'HandUnknowns') -> 'HandUnknowns':
        """``other`` where not ``better`` (B,)."""
        return HandUnknowns(
            *(
                torch.where(better.view(-1, *[1] * (mine.ndim - 1)), mine, theirs)
                for mine, theirs in (
                    (getattr(self, entry.name), getattr(other, entry.name))
                    for entry in fields(self)
                )
            )
        )

    def with_rows(self, rows: Tensor, part: 'HandUnknowns') -> 'HandUnknowns':
        """The hands with some of them exchanged."""
        changed = []
        for entry in fields(self):
            value = getattr(self, entry.name).clone()
            value[rows] = getattr(part, entry.name)
            changed.append(value)
        return HandUnknowns(*changed)

    def __getitem__(self, rows: Tensor | slice) -> 'HandUnknowns':
        return HandUnknowns(*(getattr(self, entry.name)[rows] for entry in fields(self)))


@dataclass(frozen=True, eq=False)
class PlacedHands(HandEstimate):
    """B hands placed before a camera. Joints and vertices are metres in the camera's frame.

    ``vertices`` are ``size * model(rotmats[:, 0], rotmats[:, 1:], betas).vertices + transl``,
    ``joints`` alike, and ``pixels`` are their projections (an estimate that was only moved keeps its
    own). A hand that the evidence does not
    determine is NaN with confidence 0.

    Attributes:
        side: (B,) 0 right, 1 left.
        transl: (B, 3) metres.
        size: (B,) of the hand relative to the model of its betas.
        joint_sigma: (B, 21) metres, standard deviation of each joint's place in the camera's frame,
            depth included.
        relative_sigma: (B, 21) metres, the same of the joints about the wrist.
        residual: (B,) pixels, mean distance of ``pixels`` from the evidence, by its weights.
        joint_residual: (B,) metres, mean distance of ``joints`` from the evidence's 3D joints.
        camera_assumed: (B,) bool, the intrinsics are a guess, and so is the depth.
    """

    joints: Tensor
    side: Tensor = field(kw_only=True)
    transl: Tensor | None = None
    size: Tensor | None = None
    joint_sigma: Tensor | None = None
    relative_sigma: Tensor | None = None
    residual: Tensor | None = None
    joint_residual: Tensor | None = None
    camera_assumed: Tensor | None = None

    def __len__(self) -> int:
        return len(self.side)

    def unknowns(self, angles_of: Callable[[Tensor], Tensor]) -> HandUnknowns:
        """The hands as a fit moves them.

        Args:
            angles_of: anatomical angles (B, 45) of rotations (B, 15, 3, 3).
        """
        assert self.rotmats is not None
        assert self.transl is not None
        assert self.betas is not None
        assert self.size is not None
        turns = self.rotmats.double()
        return HandUnknowns(
            angles_of(turns[:, 1:]),
            turns[:, 0],
            self.transl.double(),
            self.betas.double(),
            self.size.double().log()[:, None],
        )

    def with_rows(self, rows: Tensor, part: 'PlacedHands') -> 'PlacedHands':
        """The hands with some of them exchanged."""
        changed = {}
        for name, value in self.as_dict().items():
            changed[name] = value.clone()
            changed[name][rows] = getattr(part, name)
        return replace(self, **changed)
