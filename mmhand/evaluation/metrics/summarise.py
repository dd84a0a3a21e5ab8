"""From the columns of all samples to the numbers of a protocol."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mmhand.evaluation.functional import AVERAGES, area_under_curve, auc, micro_mean, success_shares
from mmhand.evaluation.protocols import Protocol


def summarise(columns: Mapping[str, np.ndarray], protocol: Protocol) -> dict[str, float]:
    """Numbers of a protocol from the columns of all samples.

    Args:
        columns: what :func:`~.measure.measure` returned, concatenated over the batches.
        protocol: the same protocol.

    Returns:
        Millimetres, shares and areas by name, such as ``MPJPE_interacting`` or ``PA-MPVPE``. A
        group without a valid joint has no entry.
    """
    if protocol.average == 'batch':
        return _mean_of_batches(columns, replace(protocol, average='sample'))
    counted = columns['counted']
    groups = {'_all' if protocol.group_by_type else '': counted}
    if protocol.group_by_type:
        groups['_single'] = counted & ~columns['interacting']
        groups['_interacting'] = counted & columns['interacting']
    numbers: dict[str, float] = {}
    for suffix, rows in groups.items():
        numbers |= _group_numbers(columns, rows, suffix, protocol)
    if protocol.two_hands:
        for side, suffix in enumerate(('_right', '_left')):
            numbers[f'MPJPE{suffix}'] = AVERAGES[protocol.average](
                columns['joint.'][counted, side], columns['valid'][counted, side]
            )
    if 'root_error' in columns:
        numbers['MRRPE'] = micro_mean(columns['root_error'], columns['root_valid'] & counted)
    if 'hand_correct' in columns:
        numbers['HandednessAcc'] = micro_mean(
            columns['hand_correct'], columns['hand_valid'] & counted
        )
    empty = [
        name for name, value in numbers.items() if np.isnan(value) and not _seen(name, columns)
    ]
    return {name: value for name, value in numbers.items() if name not in empty}


def _mean_of_batches(columns: Mapping[str, np.ndarray], protocol: Protocol) -> dict[str, float]:
    """Every number, computed for each batch and averaged; not finite where one batch's is not."""
    batches = columns['batch']
    rows = [np.flatnonzero(batches == batch) for batch in np.unique(batches)]
    numbers = [
        summarise({name: column[row] for name, column in columns.items()}, protocol) for row in rows
    ]
    names = dict.fromkeys(name for each in numbers for name in each)
    return {
        name: float(np.mean([each[name] for each in numbers if name in each])) for name in names
    }


def _seen(name: str, columns: Mapping[str, np.ndarray]) -> bool:
    """Whether a number that is nan has samples behind it (then the prediction is not finite)."""
    rows = columns['counted']
    if name == 'MRRPE':
        return bool((columns['root_valid'] & rows).any())
    if name == 'HandednessAcc':
        return bool((columns['hand_valid'] & rows).any())
    valid = columns['valid']
    if name.endswith('_single'):
        rows = rows & ~columns['interacting']
    elif name.endswith('_interacting'):
        rows = rows & columns['interacting']
    elif name.endswith(('_right', '_left')):
        valid = valid[:, int(name.endswith('_left')), None]
    if any(part in name for part in ('MPVPE', 'AUC_V', 'F@')):
        valid = columns['mesh_valid'][..., None]
    return bool(valid[rows].any())


def _group_numbers(
    columns: Mapping[str, np.ndarray], rows: np.ndarray, suffix: str, protocol: Protocol
) -> dict[str, float]:
    thresholds = protocol.thresholds()
    numbers = {}
    valid = columns['valid'][rows]
    points = valid.shape[1] * valid.shape[2] if protocol.two_hands else valid.shape[2]
    valid = valid.reshape(-1, points)
    for name in protocol.alignments:
        prefix = f'{name}-' if name else ''
        errors = columns[f'joint.{name}'][rows].reshape(-1, points)
        if not protocol.two_hands:  # hands that are not there are no rows
            errors = errors[valid.any(-1)]
        flags = valid if protocol.two_hands else valid[valid.any(-1)]
        numbers[f'{prefix}MPJPE{suffix}'] = AVERAGES[protocol.average](errors, flags)
        if not name:
            shares = success_shares(errors, flags, protocol.success)
            numbers |= {f'{key}{suffix}': share for key, share in shares.items()}
        if thresholds is not None:
            numbers[f'{prefix}AUC_J{suffix}'] = auc(errors, flags, thresholds)
        if f'mesh.{name}' in columns:
            mesh_valid = columns['mesh_valid'][rows]
            means = columns[f'mesh.{name}'][rows]
            numbers[f'{prefix}MPVPE{suffix}'] = micro_mean(means, mesh_valid)
        if thresholds is not None and f'mesh_bins.{name}' in columns:
            counts = columns[f'mesh_bins.{name}'][rows][mesh_valid].sum(0, dtype=np.int64)
            shares = counts.cumsum()[:-1] / max(counts.sum(), 1)
            area = area_under_curve(shares, thresholds)
            numbers[f'{prefix}AUC_V{suffix}'] = float(area) if counts.sum() else float('nan')
        if f'fscore.{name}' in columns:
            scores = columns[f'fscore.{name}'][rows][mesh_valid]
            for k, limit in enumerate(protocol.fscores):
                numbers[f'{prefix}F@{limit:g}{suffix}'] = micro_mean(scores[:, k])
    return numbers
