"""Left hands in pictures, for networks that know right hands only."""

from collections.abc import Sequence

import torch

from mmhand.hand_models.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    mirror_axis_angle,
)
from mmhand.structures import HandCamera, HandDataSample

_MIRROR = 'MirrorLeftHand'

#: What makes a crop of the picture.
_CROPS = ('CutHandBox', 'HandTopdownAffine')


def with_mirroring(steps: Sequence[dict]) -> list[dict]:
    """Test transforms that mirror the crops of left hands.

    Args:
        steps: configs of transforms; those that mirror already are returned as they are.
    """
    names = [step['type'].split('.')[-1] for step in steps]
    places = [place for place, name in enumerate(names) if name in _CROPS]
    if _MIRROR in names or not places:
        return list(steps)
    place = places[0]
    return [*steps[:place], dict(type=_MIRROR), *steps[place:]]


def restore_left_hand(sample: HandDataSample) -> HandDataSample:
    """Turn the right hand found in a mirrored crop back into the left hand of the picture, in place.

    Points go back into the camera frame, the pose becomes the left model's, ``side`` 1. Pixels stay
    those of the crop, whose affine holds the mirror. A sample whose crop is not mirrored stays.

    Args:
        sample: with ``pred_hands``, and ``camera`` in its metainfo.

    Returns:
        The sample.
    """
    camera = HandCamera.of(sample.get('camera'))
    if camera is None or not camera.mirrored or 'pred_hands' not in sample:
        return sample
    frame = torch.from_numpy(camera.frame)
    hands = sample.pred_hands
    if 'transl' in hands:
        # The wrist at rest is mirrored with the model; the rest of the way to it is translation.
        flip = frame.new_tensor([-1.0, 1.0, 1.0])
        hands.transl = hands.root @ frame - (hands.root - hands.transl) * flip
    for name in ('keypoints_3d', 'vertices', 'root'):
        if name in hands:
            hands.set_field(camera.to_original(hands.get(name)), name)
    if 'pose' in hands:
        # The frame is a mirror across x = 0, then an in-plane turn; of the pose only the wrist turns.
        mirror = torch.diag(frame.new_tensor([-1.0, 1.0, 1.0]))
        back = (mirror @ (frame @ mirror).mT @ mirror).to(hands.pose)
        pose = mirror_axis_angle(hands.pose)
        wrist = matrix_to_axis_angle(back @ axis_angle_to_matrix(pose[..., :3]))
        hands.set_field(torch.cat((wrist, pose[..., 3:]), dim=-1), 'pose')
    hands.set_field(torch.ones_like(hands.side), 'side')
    sample.set_field(camera.unturned(), 'camera', field_type='metainfo')
    return sample
