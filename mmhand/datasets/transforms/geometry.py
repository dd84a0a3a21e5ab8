"""Book-keeping of how the current picture relates to the camera's.

``results['affine']`` (2, 3) takes pixels of the original image to the current one, and
``camera['frame']`` (3, 3) the original camera frame to that of the current 3D annotations. At all
times ``camera['K_crop'] = affine K frame^-1`` projects ``keypoints_3d`` onto ``keypoints_2d``.
"""

import numpy as np

from mmhand.cameras import crop_intrinsics
from mmhand.structures import transform_points

from ..mano_params import rotate_pose

# Shared by all samples; whatever changes them makes new arrays.
_IDENTITY = np.eye(2, 3, dtype=np.float32)
_NO_TURN = np.eye(3, dtype=np.float32)


def start_geometry(results: dict) -> None:
    """State that the picture is the original one."""
    results['affine'] = _IDENTITY
    if 'camera' in results:
        camera = dict(results['camera'])
        camera['frame'] = _NO_TURN
        camera['K_crop'] = camera['K']
        results['camera'] = camera


def compose_affine(results: dict, affine: np.ndarray) -> None:
    """Apply a further affine (2, 3) of the current picture to the record and to 2D joints."""
    if results['affine'] is _IDENTITY:
        results['affine'] = affine.astype(np.float32)
    else:
        whole = affine[:, :2].astype(np.float64) @ results['affine']
        whole[:, 2] += affine[:, 2]
        results['affine'] = whole.astype(np.float32)
    if 'keypoints_2d' in results:
        points = transform_points(results['keypoints_2d'], affine)
        results['keypoints_2d'] = points.astype(np.float32, copy=False)


def compose_frame(results: dict, frame: np.ndarray | None = None, update: bool = True) -> None:
    """Record that the 3D annotations were multiplied by ``frame`` (3, 3), and update ``K_crop``.

    To be called after every change of ``affine``; ``frame`` is ``None`` where 3D stays as it is, and
    ``update`` is ``False`` where another change follows.
    """
    if 'camera' not in results:
        return
    camera = dict(results['camera'])
    if frame is not None:
        camera['frame'] = (frame @ camera['frame']).astype(np.float32)
    if update:
        intrinsics = crop_intrinsics(camera['K'].astype(np.float64), results['affine'])
        if camera['frame'] is not _NO_TURN:
            # An orthogonal matrix: its transpose undoes it.
            intrinsics = intrinsics @ camera['frame'].T
        camera['K_crop'] = intrinsics.astype(np.float32)
    results['camera'] = camera


def rotate_annotations(results: dict, rotation: np.ndarray) -> None:
    """Turn 3D joints and hand-model parameters about the camera by ``rotation`` (3, 3)."""
    turn = rotation.T.astype(np.float32)
    for key in ('keypoints_3d', 'vertices'):
        if key in results:
            results[key] = results[key] @ turn
    if 'mano_pose' in results:
        results['mano_pose'] = rotate_pose(results['mano_pose'], rotation)
    if 'mano_trans' in results:
        rest = results['mano_rest_wrist']
        results['mano_trans'] = (results['mano_trans'] + rest) @ turn - rest
