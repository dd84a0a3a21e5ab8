"""From a batch of hands to per-sample columns; :mod:`.summarise` makes numbers of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmhand.evaluation.functional import (
    handedness_correct,
    point_errors,
    procrustes_align,
    relative_root_errors,
    root_scale_align,
    threshold_histogram,
)
from mmhand.evaluation.protocols import Alignment, Protocol
from mmhand.geometry.mesh_distance import fscore
from mmhand.structures import get_joint_set
from mmhand.structures.hand_batch import HandBatch, guess_hand_types, sample_name
from mmhand.structures.sides import HAND_TYPES
from mmhand.utils.errors import HandDataError

from .joint_orders import own_order, pick_joints, refuse_nothing_in_common

#: Metres to millimetres.
MM = 1000.0


def measure(
    samples: Sequence[Mapping], protocol: Protocol, regressor: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Per-sample errors of a batch.

    Args:
        samples: data samples with ``gt_hands`` and ``pred_hands`` (metres, canonical joints).
        protocol: what to compare.
        regressor: (21, V), or (2, 21, V) by side: takes joints from both meshes instead of
            ``keypoints_3d``.

    Returns:
        Columns of B rows, millimetres: ``valid`` (B, 2, 21), ``interacting`` (B,), ``counted``
        (B,), and for each alignment ``X``: ``joint.X`` (B, 2, 21); with a mesh ``mesh.X`` (B, 2)
        mean vertex error, ``mesh_bins.X`` (B, 2, T + 1) vertices by first threshold not exceeded,
        ``fscore.X`` (B, 2, K) and ``mesh_valid`` (B, 2); with two hands ``root_error``,
        ``root_valid``, ``hand_correct``, ``hand_valid`` (B,).

    Raises:
        HandDataError: a sample lacks what the protocol compares.
    """
    gt, pred = HandBatch(samples, 'gt_hands'), HandBatch(samples, 'pred_hands')
    if protocol.joints_from == 'dataset' and not (gt.has('vertices') and pred.has('vertices')):
        # Never one side regressed and the other not.
        regressor = None
    gt_joints, pred_joints = (_joints(hands, regressor, protocol) for hands in (gt, pred))
    gt_vertices, pred_vertices = _vertices(gt, protocol), _vertices(pred, protocol)
    if protocol.frame == 'model' and gt.has('transl'):
        for hands, *arrays in ((gt, gt_joints, gt_vertices), (pred, pred_joints, pred_vertices)):
            for points in arrays if hands.has('transl') else ():
                if points is not None:
                    points -= hands.get('transl')[:, :, None]
    valid = gt.present[..., None] & np.ones(gt_joints.shape[2], dtype=bool)
    if gt.has('keypoint_valid'):
        valid &= gt.get('keypoint_valid', 0.0) > 0
    if protocol.joint_set is not None:
        order = own_order(samples[0], gt_joints, protocol)
        gt_joints, there = pick_joints(gt_joints, order, protocol)
        valid = pick_joints(valid[..., None], order, protocol)[0][..., 0].astype(bool) & there
        order = own_order({}, pred_joints, protocol)
        pred_joints, there = pick_joints(pred_joints, order, protocol)
        valid &= there
        if protocol.z_bias:
            pred_joints[..., 2] -= np.array(protocol.z_bias) / MM
        refuse_nothing_in_common(samples, valid, protocol)
    _refuse_bad_ground_truth(samples, gt_joints, valid)
    types = guess_hand_types(samples, valid)
    interacting = np.array([kind == 'interacting' for kind in types])
    columns: dict[str, np.ndarray] = {
        'interacting': interacting,
        'counted': np.array(
            [protocol.hand_types is None or kind in protocol.hand_types for kind in types]
        ),
    }
    if protocol.relative_root is not None:
        columns |= _relative_root(pred, gt_joints, valid, interacting, protocol.relative_root)
    if protocol.handedness:
        present = np.array([HAND_TYPES[kind] for kind in types])
        columns['hand_correct'] = handedness_correct(pred.get('handedness_score'), present)
        columns['hand_valid'] = np.array(
            [bool(np.all(sample.get('hand_type_valid', True))) for sample in samples]
        )
    if protocol.gate_root:
        main = next(iter(protocol.alignments.values()))
        for joint in (main.root_index(), *(main.bone_indices() or ())):
            if joint is not None:
                valid = valid & valid[..., joint, None]
    columns['valid'] = valid
    missing = np.flatnonzero((valid.any(-1) & ~pred.present).any(-1) & columns['counted'])
    if len(missing):
        raise HandDataError(
            f'sample {sample_name(samples[missing[0]])} has an annotated hand without a prediction'
        )
    columns |= _joint_columns(pred_joints, gt_joints, valid, protocol)
    if pred_vertices is not None and gt_vertices is not None:
        meshes = pred_vertices, gt_vertices
        columns |= _mesh_columns(gt, meshes, pred_joints, gt_joints, protocol)
    return columns


def as_records(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Columns of B rows as a structured array (B,), a record a sample."""
    dtype = np.dtype([(key, col.dtype, col.shape[1:]) for key, col in columns.items()])
    records = np.empty(len(next(iter(columns.values()))), dtype=dtype)
    for key, column in columns.items():
        records[key] = column
    return records


def _joints(hands: HandBatch, regressor: np.ndarray | None, protocol: Protocol) -> np.ndarray:
    """(B, 2, 21, 3) joints as annotated or predicted, or regressed from the mesh."""
    if regressor is None:
        return hands.get('keypoints_3d')
    vertices = hands.get('vertices')
    if vertices.shape[2] != regressor.shape[-1]:
        raise HandDataError(
            f'{hands.source}.vertices are {vertices.shape[2]}, but the protocol {protocol.name} takes '
            f'joints from {regressor.shape[-1]} (joints_from="{protocol.joints_from}"): evaluate with '
            'the hand model of the annotations'
        )
    return regressor @ vertices


def _vertices(hands: HandBatch, protocol: Protocol) -> np.ndarray | None:
    return hands.get('vertices') if protocol.mesh and hands.has('vertices') else None


def _refuse_bad_ground_truth(
    samples: Sequence[Mapping], joints: np.ndarray, valid: np.ndarray
) -> None:
    bad = (valid & ~np.isfinite(joints).all(-1)).any((1, 2))
    if bad.any():
        raise HandDataError(
            f'sample {sample_name(samples[int(bad.argmax())])}: a joint annotated as valid is not '
            'finite'
        )


def _relative_root(
    pred: HandBatch,
    gt_joints: np.ndarray,
    valid: np.ndarray,
    interacting: np.ndarray,
    root: str,
) -> dict[str, np.ndarray]:
    joint = get_joint_set('canonical').index(root)
    own = root == 'wrist' and pred.has('root')
    pred_roots = pred.get('root') if own else pred.get('keypoints_3d')[:, :, joint]
    return {
        'root_error': MM * relative_root_errors(pred_roots, gt_joints[:, :, joint]),
        'root_valid': interacting & valid[:, :, joint].all(-1),
    }


def _align(
    alignment: Alignment,
    points: np.ndarray,
    gt_points: np.ndarray,
    flags: np.ndarray | None,
    pred_joints: np.ndarray,
    gt_joints: np.ndarray,
) -> np.ndarray:
    if alignment.procrustes:
        return procrustes_align(points, gt_points, flags, alignment.reflection)
    return root_scale_align(
        points,
        pred_joints,
        gt_joints,
        alignment.root_index(),
        alignment.bone_indices(),
        alignment.bone_eps,
        alignment.zero_bone,
    )


def _joint_columns(
    pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, protocol: Protocol
) -> dict[str, np.ndarray]:
    shape = valid.shape
    pred, gt = (joints.reshape(-1, *joints.shape[2:]) for joints in (pred, gt))
    flags = valid.reshape(len(pred), -1)
    return {
        f'joint.{name}': MM
        * point_errors(_align(alignment, pred, gt, flags, pred, gt), gt).reshape(shape)
        for name, alignment in protocol.alignments.items()
    }


def _mesh_columns(
    gt: HandBatch,
    meshes: tuple[np.ndarray, np.ndarray],
    pred_joints: np.ndarray,
    gt_joints: np.ndarray,
    protocol: Protocol,
) -> dict[str, np.ndarray]:
    """Columns of the vertices; ``meshes``: predicted and annotated (B, 2, V, 3)."""
    flags = gt.present & (gt.get('mano_valid', 0.0) > 0) if gt.has('mano_valid') else gt.present
    pred_vertices, gt_vertices = meshes
    if pred_vertices.shape != gt_vertices.shape:
        raise HandDataError(
            f'predicted meshes have {pred_vertices.shape[2]} vertices, annotated ones '
            f'{gt_vertices.shape[2]}: evaluate with the hand model of the annotations'
        )
    # Only the valid hands are worked on; the columns of the others stay zero.
    chosen = np.flatnonzero(flags)
    pick = [array.reshape(-1, *array.shape[2:])[chosen] for array in (pred_joints, gt_joints)]
    source = pred_vertices.reshape(-1, *pred_vertices.shape[2:])[chosen]
    target = gt_vertices.reshape(-1, *gt_vertices.shape[2:])[chosen]
    thresholds = protocol.thresholds()
    columns = {'mesh_valid': flags}

    def scatter(values: np.ndarray, dtype: type = np.float64) -> np.ndarray:
        out: np.ndarray = np.zeros((flags.size, *values.shape[1:]), dtype=dtype)
        out[chosen] = values
        return out.reshape(*flags.shape, *values.shape[1:])

    for name, alignment in protocol.alignments.items():
        aligned = _align(alignment, source, target, None, *pick)
        errors = MM * point_errors(aligned, target)
        columns[f'mesh.{name}'] = scatter(errors.mean(-1))
        if thresholds is not None:
            width = len(thresholds) + 1
            bins = threshold_histogram(errors, thresholds) + width * np.arange(len(errors))[:, None]
            counts = np.bincount(bins.reshape(-1), minlength=width * len(errors))
            columns[f'mesh_bins.{name}'] = scatter(counts.reshape(-1, width), np.int32)
        if protocol.fscores and name in ('', 'PA'):
            limits = [limit / MM for limit in protocol.fscores]
            finite = np.isfinite(aligned).all((1, 2))
            scores = np.full((len(aligned), len(limits)), np.nan)
            scores[finite] = fscore(aligned[finite], target[finite], limits)
            columns[f'fscore.{name}'] = scatter(scores)
    return columns
