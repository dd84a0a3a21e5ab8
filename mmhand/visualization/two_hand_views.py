"""Meshes laid over a picture by a weak-perspective fit, without a camera."""

import numpy as np
from mmengine.structures import BaseDataElement

from mmhand.structures import HandInstances, get_joint_set

from .sample_view import (
    FaceTable,
    camera_frame,
    camera_meshes,
    crop_affine_of,
    present,
    sides_of,
    to_numpy,
)

#: Distance of the stand-in camera in picture diagonals: perspective then moves a vertex of a hand by
#: less than a tenth of a pixel.
_FAR = 1000.0

#: Distance, metres, at which hands without a place are shown.
_BEFORE_CAMERA = 0.5

_KNUCKLE = get_joint_set('canonical').index('middle1')


def weak_perspective_meshes(
    hands: HandInstances, sample: BaseDataElement, faces: FaceTable, size: tuple[int, int]
) -> tuple[list[tuple[int, np.ndarray, np.ndarray]], np.ndarray]:
    """Meshes where the fit to the heat maps puts them in the original picture.

    Each hand has its own scale and shift in the picture; in depth the hands keep their predicted
    relative position, so that they hide each other rightly. The result is for a camera so far away
    that it draws in parallel.

    Args:
        hands: N hands with ``vertices``, ``keypoints_3d`` (one frame) and ``weak_perspective`` (N, 3):
            crop pixels per metre, and the middle knuckle in the crop.
        sample: the sample they belong to.
        faces: by side and number of vertices.
        size: (H, W) of the picture.

    Returns:
        (side, vertices (V, 3), faces (F, 3)) of each hand, and the (3, 3) intrinsics to draw them with.
    """
    affine = crop_affine_of(sample)
    back = np.linalg.inv(np.vstack([affine, [0.0, 0.0, 1.0]]))
    zoom = np.sqrt(abs(np.linalg.det(back[:2, :2])))
    far = _FAR * float(np.hypot(*size))
    centre = (np.array(size[::-1]) - 1) / 2
    K = np.array([[far, 0.0, centre[0]], [0.0, far, centre[1]], [0.0, 0.0, 1.0]])
    fits = to_numpy(hands.weak_perspective).astype(np.float64)
    joints = to_numpy(hands.keypoints_3d).astype(np.float64)
    # One depth scale for all: scales differ a little between the hands, their order must not.
    depth_scale, nearest = float(np.abs(fits[:, 0]).mean()) * zoom, joints[0, _KNUCKLE, 2]
    found = []
    for row, shown in enumerate(present(hands)):
        side = int(sides_of(hands)[row])
        mesh = to_numpy(hands.vertices[row]).astype(np.float64)
        if not shown or (side, len(mesh)) not in faces or not np.isfinite(mesh).all():
            continue
        scale, shift = fits[row, 0], fits[row, 1:]
        crop = scale * (mesh - joints[row, _KNUCKLE])[:, :2] + shift
        picture = crop @ back[:2, :2].T + back[:2, 2]
        depth = far + depth_scale * (mesh[:, 2] - nearest)
        # Undo the little perspective that is left.
        placed = np.column_stack([(picture - centre) * (depth / far)[:, None], depth])
        found.append((side, placed, faces[side, len(mesh)]))
    return found, K


def related_meshes(
    hands: HandInstances, sample: BaseDataElement, faces: FaceTable
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Meshes for files and for views from other sides: what belongs together stays together.

    Hands that were predicted in a common frame keep their relative position, wherever that frame is;
    where it is not before the camera they are moved there as one. Others are
    :func:`.sample_view.camera_meshes`.

    Args:
        hands: N hands.
        sample: the sample they belong to.
        faces: by side and number of vertices.

    Returns:
        (side, vertices (V, 3) metres, faces (F, 3)) of each.
    """
    if 'weak_perspective' not in hands or 'vertices' not in hands:
        return camera_meshes(hands, sample, faces)
    found = []
    for side, mesh, shown in zip(
        sides_of(hands), to_numpy(hands.vertices), present(hands), strict=True
    ):
        key = int(side), len(mesh)
        if shown and key in faces and np.isfinite(mesh).all():
            found.append((key[0], mesh.astype(np.float64) @ camera_frame(sample), faces[key]))
    nearest = min((mesh[:, 2].min() for _, mesh, _ in found), default=1.0)
    if nearest > 1e-2:
        return found
    shift = np.array([0.0, 0.0, _BEFORE_CAMERA - nearest])
    return [(side, mesh + shift, face) for side, mesh, face in found]
