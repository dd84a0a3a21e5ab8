"""Mirroring a sample: pictures, joints, pose and sides together."""

import cv2
import numpy as np
import torch

from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.structures.sides import MIRRORED_TYPES

from .geometry import turn_camera, warp_geometry

_MIRROR = np.diag([-1.0, 1.0, 1.0])

#: Arrays with one row a hand, right first, that only change places.
_PER_HAND = (
    *('keypoints_2d', 'keypoints_3d', 'keypoint_valid', 'hand_present', 'root_depth'),
    *('mano_pose', 'mano_betas', 'mano_trans', 'mano_rest_wrist', 'vertices'),
)


def mirror_hands(results: dict, pixels: bool = True, swap_mano_valid: bool = True) -> dict:
    """Mirror a sample left to right.

    Column x becomes W - 1 - x, camera x becomes -x, and right becomes left in everything that knows
    sides: stacked arrays, mask planes, hand type, hand-model poses. Betas change hands unchanged:
    the left model is the right one's mirror image. Mirroring twice gives the sample back.

    Args:
        results: of the pipeline; keys that are not there are left out. Arrays are replaced, not
            written to.
        pixels: ``False`` leaves pictures, 2D joints and boxes where they are, for a warp that
            mirrors them on the way.
        swap_mano_valid: ``False`` leaves ``mano_valid`` as it is, as the release of
            Two-Hand-Shape-Pose does (methods/twohand.md#validity).

    Returns:
        The same dict.
    """
    if pixels:
        _mirror_pixels(results, results['img_shape'][1])
    if 'hand_masks' in results:
        right, left = np.split(results['hand_masks'], 2, axis=-1)
        results['hand_masks'] = np.concatenate([left, right], axis=-1)
    for key in _PER_HAND + (('mano_valid',) if swap_mano_valid else ()):
        if key in results:
            results[key] = results[key][::-1].copy()
    for key in ('keypoints_3d', 'mano_trans', 'mano_rest_wrist', 'vertices'):
        if key in results:
            results[key][..., 0] *= -1
    if 'mano_pose' in results:
        pose = torch.from_numpy(results['mano_pose'])
        results['mano_pose'] = mirror_axis_angle(pose).numpy()
    if 'hand_type' in results:
        results['hand_type'] = MIRRORED_TYPES[results['hand_type']]
    turn_camera(results, _MIRROR)
    results['flipped'] = not results.get('flipped', False)
    return results


def _mirror_pixels(results: dict, width: int) -> None:
    for key in ('img', 'depth'):
        if key in results:
            results[key] = cv2.flip(results[key], 1)
    if 'hand_masks' in results:
        results['hand_masks'] = results['hand_masks'][:, ::-1]
    if 'bbox' in results:
        x, y, w, h = results['bbox']
        results['bbox'] = np.array([width - 1 - x - w, y, w, h], dtype=results['bbox'].dtype)
    if 'bbox_center' in results:
        x, y = results['bbox_center']
        results['bbox_center'] = np.array([width - 1 - x, y])
    warp_geometry(results, np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]]))
