"""Where the hands of a data sample are in its picture."""

from collections.abc import Mapping

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from mmhand.fitting.translation import fit_translation
from mmhand.structures import HandCamera, HandInstances, invert_affine, transform_points

#: (side, number of vertices) to faces (F, 3).
FaceTable = dict[tuple[int, int], np.ndarray]


def face_table(model: nn.Module) -> FaceTable:
    """Faces of every hand model inside a network, by side and number of vertices.

    Where one side only has a model, the other has its faces turned inside out: its mesh is a mirrored
    one.

    Args:
        model: the network; its hand models may be anywhere in it.
    """
    from mmhand.hand_models import HandModel

    table = {
        (int(part.side == 'left'), part.num_verts): part.faces.cpu().numpy()
        for part in model.modules()
        if isinstance(part, HandModel)
    }
    mirrored = {
        (1 - side, count): np.ascontiguousarray(faces[:, ::-1])
        for (side, count), faces in table.items()
    }
    return {**mirrored, **table}


def to_numpy(value: object) -> np.ndarray:
    """An array of a tensor on any device, or of anything numpy takes."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def camera_matrix(sample: BaseDataElement) -> np.ndarray | None:
    """(3, 3) intrinsics of the original picture, if the sample has them."""
    camera = HandCamera.of(sample.metainfo.get('camera'))
    return None if camera is None else camera.K.astype(np.float64)


def camera_frame(sample: BaseDataElement) -> np.ndarray:
    """(3, 3) rotation or reflection from the original camera frame to the sample's 3D."""
    return HandCamera.part_of(sample.metainfo.get('camera'), 'frame').astype(np.float64)


def crop_affine_of(sample: BaseDataElement) -> np.ndarray:
    """(2, 3) affine from the original picture to the network's input; identity if unknown."""
    camera = sample.metainfo.get('camera')
    if camera is None or camera.get('affine') is None:
        camera = sample.metainfo
    return HandCamera.part_of(camera, 'affine').astype(np.float64)


def sides_of(hands: HandInstances) -> np.ndarray:
    """(N,) sides, 0 right and 1 left; unstated ones count as right, then left."""
    side = hands.get('side')
    return np.arange(len(hands)) % 2 if side is None else to_numpy(side).astype(int).reshape(-1)


def image_keypoints(
    hands: HandInstances, sample: BaseDataElement
) -> tuple[np.ndarray, np.ndarray] | None:
    """Joints of each hand in the original picture.

    Taken from ``keypoints_2d``, which is in pixels of the crop, or else projected from
    ``keypoints_3d`` where they lie in front of a known camera.

    Args:
        hands: N hands.
        sample: the sample they belong to.

    Returns:
        (N, J, 2) pixels and (N, J) flags; ``None`` if the hands have no joints that can be placed.
    """
    if 'keypoints_2d' in hands:
        crop_points = to_numpy(hands.keypoints_2d).astype(np.float64)[..., :2]
        points = transform_points(crop_points, invert_affine(crop_affine_of(sample)))
    elif 'keypoints_3d' in hands and camera_matrix(sample) is not None:
        # Rows times an orthogonal matrix: its inverse applied to each point.
        space = to_numpy(hands.keypoints_3d).astype(np.float64) @ camera_frame(sample)
        depth = space[..., 2:]
        points = (space @ camera_matrix(sample).T)[..., :2] / np.where(depth > 1e-2, depth, np.nan)
    else:
        return None
    valid = np.isfinite(points).all(-1) & present(hands)[:, None]
    if 'keypoint_valid' in hands:
        valid &= to_numpy(hands.keypoint_valid).astype(bool).reshape(valid.shape)
    return points, valid


def present(hands: HandInstances, threshold: float = 0.5) -> np.ndarray:
    """(N,) whether each hand is there: as the method says, or by its score where it has one."""
    if 'present' in hands:
        return to_numpy(hands.present).astype(bool).reshape(-1)
    score = hands.get('handedness_score')
    if score is None or not len(hands):
        return np.ones(len(hands), dtype=bool)
    return to_numpy(score).reshape(len(hands), -1)[:, 0] >= threshold


def camera_meshes(
    hands: HandInstances, sample: BaseDataElement, faces: Mapping[tuple[int, int], np.ndarray]
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Meshes of known topology, in front of the camera.

    Root-relative predictions are moved so that their joints lie on their predicted pixels.

    Args:
        hands: N hands, ``vertices`` (N, V, 3) in metres if they have any.
        sample: the sample they belong to, with a camera.
        faces: see :func:`face_table`.

    Returns:
        (side, vertices (V, 3), faces (F, 3)) of each.
    """
    camera = camera_matrix(sample)
    if 'vertices' not in hands or camera is None:
        return []
    placed = image_keypoints(hands, sample) if 'keypoints_2d' in hands else None
    sides, frame, found = sides_of(hands), camera_frame(sample), []
    for row, shown in enumerate(present(hands)):
        side = int(sides[row])
        mesh = to_numpy(hands.vertices[row]).astype(np.float64) @ frame
        if not shown or (side, len(mesh)) not in faces or not np.isfinite(mesh).all():
            continue
        if mesh[:, 2].min() <= 1e-2 and placed is not None and 'keypoints_3d' in hands:
            joints = to_numpy(hands.keypoints_3d[row]).astype(np.float64) @ frame
            used = placed[1][row] & np.isfinite(joints).all(-1)
            if used.sum() >= 3:
                fit = (torch.from_numpy(a) for a in (joints[used], placed[0][row][used], camera))
                mesh = mesh + fit_translation(*fit).numpy()
        # Also false where the fit found no place.
        if mesh[:, 2].min() > 1e-2:
            found.append((side, mesh, faces[side, len(mesh)]))
    return found
