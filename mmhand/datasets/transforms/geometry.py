"""Book-keeping of how the current picture relates to the camera's.

``results['affine']`` (2, 3) takes pixels of the original image to the current one, and
``camera['frame']`` (3, 3) the original camera frame to that of the current 3D annotations. At all
times ``camera['K_crop'] = affine K frame^-1`` projects ``keypoints_3d`` onto ``keypoints_2d``.
"""

import numpy as np

from mmhand.cameras import crop_intrinsics
from mmhand.structures import transform_points

from ..mano_params import rotate_pose


def start_geometry(results: dict) -> None:
    """State that the picture is the original one."""
    results['affine'] = np.eye(2, 3, dtype=np.float32)
    if 'camera' in results:
        camera = dict(results['camera'])
        camera['frame'] = np.eye(3, dtype=np.float32)
        camera['K_crop'] = camera['K']
        results['camera'] = camera


def compose_affine(results: dict, affine: np.ndarray) -> None:
    """Apply a further affine (2, 3) of the current picture to the record and to 2D joints."""
    whole = affine[:, :2].astype(np.float64) @ results['affine']
    whole[:, 2] += affine[:, 2]
    results['affine'] = whole.astype(np.float32)
    if 'keypoints_2d' in results:
        results['keypoints_2d'] = transform_points(results['keypoints_2d'], affine).astype(
            np.float32
        )


def compose_frame(results: dict, frame: np.ndarray | None = None) -> None:
    """Record that the 3D annotations were multiplied by ``frame`` (3, 3), and update ``K_crop``.

    To be called after every change of ``affine``; ``None`` where 3D stays as it is.
    """
    if 'camera' not in results:
        return
    camera = dict(results['camera'])
    if frame is not None:
        camera['frame'] = (frame @ camera['frame']).astype(np.float32)
    # An orthogonal matrix: its transpose undoes it.
    intrinsics = crop_intrinsics(camera['K'].astype(np.float64), results['affine'])
    camera['K_crop'] = (intrinsics @ camera['frame'].T).astype(np.float32)
    results['camera'] = camera


def rotate_annotations(results: dict, rotation: np.ndarray) -> None:
    """Turn 3D joints and hand-model parameters about the camera by ``rotation`` (3, 3)."""
    turn = rotation.T.astype(np.float32)
    if 'keypoints_3d' in results:
        results['keypoints_3d'] = results['keypoints_3d'] @ turn
    if 'mano_pose' in results:
        results['mano_pose'] = rotate_pose(results['mano_pose'], rotation)
        rest = results['mano_rest_wrist']
        results['mano_trans'] = (results['mano_trans'] + rest) @ turn - rest
