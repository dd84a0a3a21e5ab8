"""Result files of the depth benchmarks: a frame a row, u v d of every joint."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmhand.cameras import depth_camera, project_depth, unproject_depth
from mmhand.evaluation.functional import frame_success, point_errors, success_shares
from mmhand.evaluation.functional.errors import AVERAGES, batch_means
from mmhand.evaluation.protocols import Protocol
from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import HandDataError, HandFileError

_MM = 1000.0

#: Median depths below this are no millimetres.
_NEAR = 20

_SEPARATORS = str.maketrans(',;\t', '   ')

#: Frames of a batch where batch means are asked for; the release's batch size.
BATCH = 32


def read_depth_results(path: str | Path, camera: str, joints: int | None = None) -> np.ndarray:
    """Read a result file.

    Args:
        path: rows of u, v (pixels, y down) and d (millimetres) of each joint, in one order, parted by
            blanks or commas, a picture's name before them or not; empty lines do not count.
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`.
        joints: how many it must have; by what the file has if ``None``.

    Returns:
        (N, J, 3) float64 metres, camera frame.

    Raises:
        HandFileError: it is missing or unreadable.
        HandDataError: it is malformed, has numbers that are not finite, or its depths are no
            millimetres; names the line.
    """
    path = Path(path)
    rows = _read_rows(path)
    width = 3 * joints if joints else len(rows[0][1])
    if width % 3:
        raise HandDataError(f'{path}: rows of {width} numbers are no u, v, d of joints')
    for number, row in rows:
        if len(row) != width:
            raise HandDataError(
                f'{path}: line {number} has {len(row)} numbers, expected {width}: u, v, d of '
                f'{width // 3} joints'
            )
    values = np.array([row for _, row in rows], np.float64).reshape(len(rows), -1, 3)
    bad = ~np.isfinite(values).all((1, 2))
    if bad.any():
        raise HandDataError(
            f'{path}: line {rows[int(bad.argmax())][0]} has numbers that are not finite '
            f'({int(bad.sum())} such lines): a frame that was not estimated cannot be scored'
        )
    depth = np.median(values[..., 2])
    if depth < _NEAR:
        raise HandDataError(
            f'{path}: the median depth is {depth:.3g}, expected millimetres: rows are u, v, d'
        )
    return unproject_depth(values / [1, 1, _MM], camera)


def _read_rows(path: Path) -> list[tuple[int, list[float]]]:
    """Numbers of each line that has any, with the line's number.

    Blanks, tabs, commas and semicolons part numbers; a picture's name may stand first, and lines that
    begin with # say nothing: public files have all of these.

    Raises:
        HandFileError, HandDataError: see :func:`read_depth_results`.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'it is no text'
        raise HandFileError(f'cannot read results {path}: {reason}') from None
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.translate(_SEPARATORS).split()
        if not words or words[0].startswith('#'):
            continue
        if len(words) > 1 and not _is_number(words[0]):
            del words[0]
        wrong = [word for word in words if not _is_number(word)]
        if wrong:
            raise HandDataError(f'{path}: line {number} has "{wrong[0][:40]}", expected a number')
        rows.append((number, [float(word) for word in words]))
    if not rows:
        raise HandDataError(f'{path} is empty')
    return rows


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def write_depth_results(path: str | Path, points: np.ndarray, camera: str) -> None:
    """Write a result file.

    Args:
        path: the file.
        points: (N, J, 3) metres, camera frame, in the benchmark's order.
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`.
    """
    uvd = project_depth(np.asarray(points, np.float64), depth_camera(camera)) * [1, 1, _MM]
    lines = [' '.join(f'{value:.4f}' for value in row) for row in uvd.reshape(len(uvd), -1)]
    AtomicLocalBackend().put_text('\n'.join(lines) + '\n', path)


@dataclass(frozen=True)
class DepthScores:
    """What a result file scores.

    Attributes:
        numbers: ``MPJPE`` mm, shares by :func:`.functional.success_shares`.
        joint_errors: name of each joint to its mean error, mm.
        thresholds: (T,) mm.
        curve: (T,) shares of frames whose worst joint is within them.
    """

    numbers: dict[str, float]
    joint_errors: dict[str, float]
    thresholds: np.ndarray
    curve: np.ndarray


def score_depth_results(
    pred: np.ndarray, gt: np.ndarray, protocol: Protocol, batch_size: int = BATCH
) -> DepthScores:
    """Score predicted joints as a depth benchmark does.

    Args:
        pred: (N, J, 3) metres, in the order of the protocol's ``joint_set``, or of its compared joints.
        gt: alike.
        protocol: a depth benchmark's.
        batch_size: of batch means.

    Raises:
        HandDataError: different numbers of frames or joints.
    """
    if len(pred) != len(gt):
        raise HandDataError(
            f'{len(pred)} predicted frames, {len(gt)} annotated ones: the files are of another split, '
            'view or version'
        )
    names = protocol.joint_names()
    order = protocol.joint_set or 'canonical'
    pred, gt = (_compared(points, names, order) for points in (pred, gt))
    if protocol.z_bias:
        pred = pred - np.stack([np.zeros(len(names))] * 2 + [np.array(protocol.z_bias) / _MM], -1)
    errors = _MM * point_errors(pred, gt)
    average = AVERAGES['sample' if protocol.average == 'batch' else protocol.average]
    batches = np.arange(len(errors)) // batch_size

    def number(rows: np.ndarray) -> dict[str, float]:
        part = errors[rows]
        return {'MPJPE': average(part, None), **success_shares(part, None, protocol.success)}

    def one(name: str, rows: np.ndarray) -> float:
        return number(rows)[name]

    numbers = number(np.arange(len(errors)))
    if protocol.average == 'batch':
        numbers = {name: batch_means(batches, functools.partial(one, name)) for name in numbers}
    thresholds = np.arange(0.0, 81.0)
    return DepthScores(
        numbers,
        dict(zip(names, errors.mean(0).tolist(), strict=True)),
        thresholds,
        frame_success(errors, None, thresholds),
    )


def _compared(points: np.ndarray, names: tuple[str, ...], joint_set: str) -> np.ndarray:
    order = get_joint_set(joint_set)
    if points.shape[1] == len(order):
        return points[:, [order.index(name) for name in names]]
    if points.shape[1] == len(names):
        return points
    canonical = get_joint_set('canonical')
    if points.shape[1] == len(canonical) and set(names) <= set(canonical.joints):
        return points[:, [canonical.index(name) for name in names]]
    raise HandDataError(
        f'files have {points.shape[1]} joints, expected {len(order)} in the order of {joint_set}'
    )
