"""What a network, or a fit, says about a batch of hands."""

from dataclasses import dataclass, fields
from typing import TypeVar

from torch import Tensor

from mmhand.utils.errors import HandDataError

EstimateT = TypeVar('EstimateT', bound='HandEstimate')


@dataclass(frozen=True, eq=False)
class HandEstimate:
    """One estimate of B hands; every network stage, mesh loss and fit speaks this.

    The leading shape is (B,) for single hands and (B, 2), right first, for pairs; it is written
    ``...`` below. A field that a method does not estimate is ``None``: a joint regressor has no mesh,
    a mesh decoder no parameters, a head that is given the shape repeats it in ``betas``.

    Attributes:
        joints: (..., 21, 3) metres, canonical order, axes of the camera frame. The origin is the
            hand model's (not the wrist) unless the method says otherwise.
        vertices: (..., V, 3) metres, the same frame as ``joints``.
        rotmats: (..., 16, 3, 3) rotations in kinematic order, hand mean not added.
        pose: (..., 48) the same as axis-angle, radians, wrist first.
        betas: (..., S) shape coefficients of the hand model.
        pixels: (..., 21, 2) joints in pixels of the input crop.
        pixel_scores: (..., 21) how sure each of ``pixels`` is, in [0, 1].
        confidence: (...) or (..., 1) how good the whole estimate is; higher is better, no fixed range.
        rotations_6d: (..., 16, 6) rotations as regressed, two rows or columns as the method says, not
            orthonormalised.
        rest_joints: (..., 16, 3) metres, joints of the shaped but unposed hand, ``mano16`` order.
    """

    joints: Tensor | None
    vertices: Tensor | None = None
    rotmats: Tensor | None = None
    pose: Tensor | None = None
    betas: Tensor | None = None
    pixels: Tensor | None = None
    pixel_scores: Tensor | None = None
    confidence: Tensor | None = None
    rotations_6d: Tensor | None = None
    rest_joints: Tensor | None = None

    def as_dict(self) -> dict[str, Tensor]:
        """What is there, by name: the form that ``mode='tensor'`` returns."""
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }

    def need(self, name: str) -> Tensor:
        """A field that cannot be done without.

        Args:
            name: of the field.

        Raises:
            HandDataError: it was not estimated.
        """
        value = getattr(self, name)
        if value is None:
            known = ', '.join(self.as_dict()) or 'nothing'
            raise HandDataError(f'a hand without {name} cannot be used here; this one has {known}')
        return value

    def __getitem__(self: 'EstimateT', rows: 'Tensor | slice | list[int]') -> 'EstimateT':
        """Some of the hands."""
        return type(self)(
            **{
                field.name: None if (value := getattr(self, field.name)) is None else value[rows]
                for field in fields(self)
            }
        )
