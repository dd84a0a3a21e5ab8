"""One row per hand."""

from typing import ClassVar, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmhand.utils.errors import HandDataError


class HandField(NamedTuple):
    """What a field of hands holds.

    Attributes:
        shape: of one hand's row; a letter stands for any size (J joints, V vertices, S shape
            coefficients, P numbers of a pose, h and w of a map, K stages).
        dtype: ``float``, ``int``, ``bool`` or ``uint8``.
        meaning: with unit and frame.
    """

    shape: tuple[int | str, ...]
    dtype: str
    meaning: str


_CAMERA = "camera frame of the sample's 3D"
_PLACED = f'metres, {_CAMERA}; where no camera or place is known, about the wrist'


class HandInstances(InstanceData):
    """Hands of one image; every field has one row per hand, right before left where both are there.

    Metres, radians, OpenCV camera frame (x right, y down, z forward); canonical joint order. The
    sample's ``camera`` leads from its frame back to the original picture's. Fields in use, of
    annotations and predictions alike (:attr:`FIELDS`):

    """

    #: Every field in use.
    FIELDS: ClassVar[dict[str, HandField]] = {
        'side': HandField((), 'int', '0 right, 1 left'),
        'handedness_score': HandField(
            (), 'float', 'in [0, 1]: the hand of that side is there; of one hand: it is a right one'
        ),
        'present': HandField((), 'bool', 'whether the method says the hand is there'),
        'presence': HandField((), 'float', 'in [0, 1]: there is a hand in the crop'),
        'keypoints_3d': HandField(('J', 3), 'float', _PLACED),
        'keypoints_2d': HandField(('J', 2), 'float', 'pixels of the input crop'),
        'keypoint_scores': HandField(('J',), 'float', 'trust in each 2D joint; height of its peak'),
        'keypoint_valid': HandField(('J',), 'float', '1 where annotated'),
        'keypoints_bone': HandField(
            ('J', 3), 'float', 'no unit: wrist at zero, wrist to middle1 of length 1, camera axes'
        ),
        'keypoints_uvd': HandField(
            ('J', 3), 'float', 'no unit: x, y, depth of the crop in [-1, 1]'
        ),
        'keypoints_cube': HandField(('J', 3), 'float', 'no unit: half edges of the depth cube'),
        'joints_uvd': HandField(('J', 3), 'float', 'as keypoints_uvd, of a rendered hand'),
        'joints_cube': HandField(('J', 3), 'float', 'as keypoints_cube, of a rendered hand'),
        'vertices_cube': HandField(('V', 3), 'float', 'as keypoints_cube, of a rendered hand'),
        'stage_keypoints_3d': HandField(
            ('K', 'J', 3),
            'float',
            f'metres, {_CAMERA}: DSF, joints of maps and hand, stage by stage',
        ),
        'root': HandField((3,), 'float', f'the wrist: {_PLACED}'),
        'root_depth': HandField((), 'float', f'metres, {_CAMERA}: depth of the wrist'),
        'transl': HandField((3,), 'float', "metres: from the hand model's frame to the sample's"),
        'pose': HandField(
            ('P',),
            'float',
            'radians: 48 axis-angle of wrist and fingers, mean not added unless the method says so; or '
            'wrist and components',
        ),
        'rotations_6d': HandField((16, 6), 'float', 'rotations as regressed, kinematic order'),
        'betas': HandField(('S',), 'float', 'shape coefficients of the hand model'),
        'scale': HandField((), 'float', 'size relative to the hand model'),
        'mpe': HandField(('P',), 'float', "parameters of DSF's hand layer"),
        'mano_valid': HandField((), 'float', '1 where hand parameters are annotated'),
        'vertices': HandField(('V', 3), 'float', _PLACED),
        'fit_residual': HandField(
            (), 'float', 'metres, mean distance of a fitted hand from its joints'
        ),
        'pixel_residual': HandField(
            (), 'float', 'pixels, mean distance of a fitted hand from the seen joints'
        ),
        'keypoint_sigma': HandField(
            ('J',), 'float', f'metres, standard deviation of each joint, {_CAMERA}, depth included'
        ),
        'relative_sigma': HandField(('J',), 'float', 'metres, the same about the wrist'),
        'side_score': HandField((), 'float', 'in [0, 1]: how sure the side is'),
        'track': HandField((), 'int', 'identity of the hand in its video'),
        'confidence': HandField(
            (), 'float', 'of the whole estimate; higher is better, no fixed range'
        ),
        'weak_perspective': HandField(
            (3,), 'float', 'pixels of the crop per metre, and shift in pixels'
        ),
        'bbox': HandField((4,), 'float', 'xywh, pixels of the original picture'),
        'visible_mask': HandField(('h', 'w'), 'uint8', '0-255, the visible hand in the crop'),
        'whole_mask': HandField(('h', 'w'), 'uint8', '0-255, the whole hand in the crop'),
    }

    def check(self) -> None:
        """Hold all fields to :attr:`FIELDS`.

        Raises:
            HandDataError: a field is not listed, or has another shape or type.
        """
        for name, value in self.items():
            field = self.FIELDS.get(name)
            if field is None:
                raise HandDataError(f'hands have a field "{name}" that HandInstances does not list')
            if not isinstance(value, Tensor):
                raise HandDataError(f'hands: {name} is {type(value).__name__}, not a tensor')
            shape = tuple(value.shape[1:])
            fits = len(shape) == len(field.shape) and all(
                isinstance(wanted, str) or size == wanted
                for size, wanted in zip(shape, field.shape, strict=True)
            )
            if not fits:
                wanted = ', '.join(map(str, ('N', *field.shape)))
                raise HandDataError(f'hands: {name} is {tuple(value.shape)}, not ({wanted})')
            if _kind(value) != field.dtype:
                raise HandDataError(f'hands: {name} is {value.dtype}, not {field.dtype}')


def _kind(value: Tensor) -> str:
    if value.dtype in (torch.bool, torch.uint8):
        return str(value.dtype).removeprefix('torch.')
    return 'float' if value.is_floating_point() else 'int'


HandInstances.__doc__ = (
    (HandInstances.__doc__ or '').rstrip()
    + '\n\n'
    + '\n'.join(
        f'    * ``{name}`` ({", ".join(map(str, ("N", *field.shape)))}) {field.dtype}: {field.meaning}.'
        for name, field in HandInstances.FIELDS.items()
    )
)
