"""Both hands of Two-Hand-Shape-Pose in one metric frame."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.fitting import HandEvidence, PlacedHands
from mmhand.structures import HandCamera, HandEstimate, get_joint_set

_KNUCKLE = get_joint_set('canonical').index('middle1')
_WRIST, _REST_KNUCKLE = (get_joint_set('mano16').index(name) for name in ('wrist', 'middle1'))

#: Least ratio of the scales at which two hands of a crop are seen.
_LOST = 0.4


class Placement(NamedTuple):
    """How hands move from their models' frames into a common one.

    Attributes:
        translation: (B, 2, 3) metres, to be added.
        knuckle: (B, 2, 3) middle knuckles in the models' frames, metres.
    """

    translation: Tensor
    knuckle: Tensor


def relative_position(trans: Tensor, rest_joints: Tensor) -> Tensor:
    """Left middle knuckle from the right one (methods/twohand.md#relative-place).

    The network gives it in left-hand lengths, and the ratio of the lengths; the right hand's own
    predicted wrist - middle knuckle length makes metres of it.

    Args:
        trans: (B, 4) logarithm of the ratio, then x, y, z.
        rest_joints: (B, 2, 16, 3) metres.

    Returns:
        (B, 3) metres.
    """
    bone = rest_joints[:, 0, _REST_KNUCKLE] - rest_joints[:, 0, _WRIST]
    return trans[:, 1:] * trans[:, :1].exp() * bone.norm(dim=-1, keepdim=True)


def mend_fits(scale: Tensor, centre: Tensor, relative: Tensor) -> tuple[Tensor, Tensor]:
    """Weak-perspective fits of both hands, one that failed taken from the other.

    Peaks that are noise draw a hand together into a dot. Two hands in one crop are about equally far
    from the camera; one that is shown at less than 0.4 of the other's size was not seen, and goes where
    the network's relative position puts it.

    Args:
        scale: (B, 2) pixels per metre.
        centre: (B, 2, 2) middle knuckles, pixels.
        relative: (B, 3) left middle knuckle from the right one, metres.

    Returns:
        Scale and centre of the same shapes.
    """
    other = scale.flip(1)
    lost = (scale < _LOST * other) & (other > 0)
    offset = torch.stack((-relative, relative), dim=1)[..., :2]
    moved = centre.flip(1) + other[..., None] * offset
    return torch.where(lost, other, scale), torch.where(lost[..., None], moved, centre)


def place_hands(
    joints: Tensor,
    rest_joints: Tensor,
    trans: Tensor,
    peaks: Tensor,
    stride: float,
    cameras: Sequence[HandCamera | None],
    refine: Callable[..., PlacedHands],
) -> Placement:
    """Put both hands in their relative position, before a camera where there is one.

    Both keep their own size. With a camera, one translation is fitted to all 42 peaks, weighted by their
    heights; where that puts the hands behind the camera, or without a camera, the right middle knuckle
    is the origin.

    Args:
        joints: (B, 2, 21, 3) metres, the models' frames.
        rest_joints: (B, 2, 16, 3) metres.
        trans: (B, 4) relative place.
        peaks: (B, 2, 21, 3) x, y on the heat maps and height.
        stride: crop pixels per heat-map pixel.
        cameras: of each crop, or ``None``.
        refine: fit that moves both hands of a picture as one.
    """
    knuckle = joints[:, :, _KNUCKLE]
    offset = torch.stack(
        (torch.zeros_like(knuckle[:, 0]), relative_position(trans, rest_joints)), dim=1
    )
    translation = offset - knuckle
    rows = [row for row, camera in enumerate(cameras) if camera is not None]
    if rows:
        seen = peaks[rows].flatten(0, 1)
        moved = joints[rows] + translation[rows, :, None]
        evidence = HandEvidence(
            seen[..., :2] * stride,
            torch.arange(2, device=seen.device).repeat(len(rows)),
            pixel_scores=seen[..., 2].clamp(min=0),
            picture=torch.arange(len(rows), device=seen.device).repeat_interleave(2),
        )
        placed = refine(
            HandEstimate(moved.flatten(0, 1)),
            evidence,
            [cameras[row] for row in rows for _ in range(2)],
        )
        translation[rows] += placed.transl.to(translation).unflatten(0, (-1, 2))
    return Placement(translation, knuckle)
