"""Bringing a prediction into the frame of its ground truth before they are compared."""

import numpy as np

from mmhand.geometry.procrustes import similarity_align

from .errors import AVERAGES, point_errors


def bone_lengths(joints: np.ndarray, bone: tuple[int, int]) -> np.ndarray:
    """Length of one bone of each hand.

    Args:
        joints: (..., J, 3).
        bone: indices of its two ends.

    Returns:
        (...) float64 lengths.
    """
    joints = np.asarray(joints, dtype=np.float64)
    return point_errors(joints[..., bone[1], :], joints[..., bone[0], :])


def root_scale_align(
    points: np.ndarray,
    pred_joints: np.ndarray,
    gt_joints: np.ndarray,
    root: int | None = None,
    bone: tuple[int, int] | None = None,
    eps: float = 0.0,
    zero_bone: float | None = None,
) -> np.ndarray:
    """Move and scale predicted points so that root and bone length agree with the ground truth.

    ``(points - pred_root) * (|gt_bone| + eps) / (|pred_bone| + eps) + gt_root``

    Args:
        points: (N, P, 3) predicted joints or vertices of each hand.
        pred_joints: (N, J, 3) predicted joints of the same hands.
        gt_joints: (N, J, 3) annotated joints.
        root: index of the joint to bring together; ``None`` leaves the position as predicted.
        bone: ends of the bone that gives the scale; ``None`` leaves the scale as predicted.
        eps: added to both lengths (HDR's helper adds 1e-6 of its unit).
        zero_bone: what a predicted length of exactly zero counts as; HO3D's evaluator then leaves the
            prediction undivided, as if the bone were 1 m.

    Returns:
        (N, P, 3) float64. Where a length is zero, and ``zero_bone`` not given, the result
        is not finite: mask those hands.
    """
    aligned = np.asarray(points, dtype=np.float64)
    pred_joints = np.asarray(pred_joints, dtype=np.float64)
    gt_joints = np.asarray(gt_joints, dtype=np.float64)
    if root is not None:
        aligned = aligned - pred_joints[:, root, None]
    if bone is not None:
        with np.errstate(divide='ignore', invalid='ignore'):
            length = bone_lengths(pred_joints, bone)
            if zero_bone is not None:
                length = np.where(length == 0, zero_bone, length)
            scale = (bone_lengths(gt_joints, bone) + eps) / (length + eps)
            aligned = aligned * scale[:, None, None]
    if root is not None:
        aligned = aligned + gt_joints[:, root, None]
    return aligned


def procrustes_align(
    points: np.ndarray,
    gt_points: np.ndarray,
    valid: np.ndarray | None = None,
    allow_reflection: bool = False,
) -> np.ndarray:
    """Best similarity transform of each predicted point set onto its ground truth.

    Args:
        points: (N, P, 3) predicted points.
        gt_points: (N, P, 3) annotated points.
        valid: (N, P) flags; only valid points decide the transform.
        allow_reflection: whether the rotation may mirror. FreiHAND's and HO3D's evaluators (and
            the DexYCB toolkit, which borrows FreiHAND's) allow it; HMR-style code does not.

    Returns:
        (N, P, 3) float64. Hands that are not finite, or have no valid point, stay as they are.
    """
    points = np.asarray(points, dtype=np.float64)
    gt_points = np.asarray(gt_points, dtype=np.float64)
    flags = np.ones(points.shape[:2]) if valid is None else np.asarray(valid, dtype=np.float64)
    # What stands at an invalid point must not reach the sums, be it nan.
    source = np.where(flags[..., None] > 0, points, 0.0)
    target = np.where(flags[..., None] > 0, gt_points, 0.0)
    usable = np.isfinite(source + target).all((1, 2)) & (flags > 0).any(1)
    aligned = points.copy()
    aligned[usable] = similarity_align(
        source[usable],
        target[usable],
        allow_reflection=allow_reflection,
        weights=None if valid is None else flags[usable],
    )
    return aligned


def pa_mpjpe(
    pred: np.ndarray,
    gt: np.ndarray,
    valid: np.ndarray | None = None,
    allow_reflection: bool = False,
    average: str = 'point',
) -> float:
    """Mean per-joint position error after Procrustes alignment with scale.

    Args:
        pred: (N, J, 3) predicted joints (or vertices: PA-MPVPE).
        gt: (N, J, 3) annotated joints.
        valid: (N, J) flags.
        allow_reflection: see :func:`procrustes_align`.
        average: see :func:`~mmhand.evaluation.functional.mpjpe`.

    Returns:
        The error in the unit of the joints.
    """
    aligned = procrustes_align(pred, gt, valid, allow_reflection)
    return AVERAGES[average](point_errors(aligned, gt), valid)
