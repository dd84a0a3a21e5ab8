"""What a change of the picture does to the record beside the pixels.

``results['affine']`` (2, 3) takes pixels of the original image to the current one; ``camera``, where
the record has one, is a :class:`~mmhand.structures.HandCamera` that knows the same affine and how 3D
annotations were turned. At all times its ``K_crop`` projects ``keypoints_3d`` onto ``keypoints_2d``.
"""

import numpy as np

from mmhand.structures import HandCamera, transform_points

from ..mano_params import rotate_pose

#: What a transform that draws a box leaves for :class:`HandTopdownAffine`.
CROP_BOX = ('bbox_center', 'bbox_size', 'bbox_rotation', 'bbox_flip')

# Shared by all samples; whatever changes it makes a new array.
_IDENTITY = np.eye(2, 3, dtype=np.float32)


def start_geometry(results: dict) -> None:
    """State that the picture is the original one."""
    results['affine'] = _IDENTITY
    if 'camera' in results:
        results['camera'] = HandCamera.of(results['camera'])


def warp_geometry(results: dict, affine: np.ndarray) -> None:
    """Apply a further affine (2, 3) of the current picture to the record and to 2D joints."""
    if 'camera' in results:
        results['camera'] = results['camera'].warp(affine)
        results['affine'] = results['camera'].affine
    elif results['affine'] is _IDENTITY:
        results['affine'] = affine.astype(np.float32)
    else:
        results['affine'] = HandCamera.chain(affine, results['affine'])
    if 'keypoints_2d' in results:
        points = transform_points(results['keypoints_2d'], affine)
        results['keypoints_2d'] = points.astype(np.float32, copy=False)


def turn_camera(results: dict, rotation: np.ndarray) -> None:
    """Record that the 3D annotations were multiplied by ``rotation`` (3, 3), orthogonal."""
    if 'camera' in results:
        results['camera'] = results['camera'].turn(rotation)


def rotate_annotations(results: dict, rotation: np.ndarray) -> None:
    """Turn 3D joints, hand-model parameters and camera by ``rotation`` (3, 3)."""
    turn_camera(results, rotation)
    turn = rotation.T.astype(np.float32)
    for key in ('keypoints_3d', 'vertices'):
        if key in results:
            results[key] = results[key] @ turn
    if 'mano_pose' in results:
        results['mano_pose'] = rotate_pose(results['mano_pose'], rotation)
    if 'mano_trans' in results:
        rest = results['mano_rest_wrist']
        results['mano_trans'] = (results['mano_trans'] + rest) @ turn - rest
