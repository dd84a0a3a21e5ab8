"""Published centres of depth crops, one text row a frame."""

import logging
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.checks import Column, check_depth_joints
from mmhand.utils.errors import HandDataError, HandFileError

_MM = 1000.0

#: Centres nearer than this (mm) are metres, or something else.
_NEAR = 20.0


def read_centers(
    path: Path, count: int, frames: str, y_up: bool = False, joints: np.ndarray | None = None
) -> np.ndarray:
    """Read a file of centres.

    Args:
        path: rows of x, y, z in millimetres, or of a word such as ``invalid``.
        count: frames that it must have.
        frames: where the frames come from, for messages.
        y_up: whether y points up in the file.
        joints: (N, J, 3) metres, to check the axes with; not a number where nothing is annotated.

    Returns:
        (N, 3) float64 metres, camera frame; not a number where the frame has no centre.

    Raises:
        HandFileError: no such file.
        HandDataError: it is malformed, of another length, in metres, or its axes are other ones; names
            the file and, where it can, the row.
    """
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError as error:
        raise HandFileError(f'cannot read centres of crops {path}: {error.strerror}') from None
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) != count:
        raise HandDataError(
            f'{path} has {len(rows)} centres, {frames} has {count} frames: it belongs to another split, '
            "view or version; leave it out with centers='depth'"
        )
    centers = np.full((count, 3), np.nan)
    for number, row in enumerate(rows):
        if row[0].lower().startswith('invalid'):
            continue
        try:
            centers[number] = [float(value) for value in row[:3]]
        except ValueError:
            raise HandDataError(
                f'{path}: row {number + 1} is "{" ".join(row)[:40]}", expected x y z in millimetres'
            ) from None
    known = np.isfinite(centers).all(1)
    if known.any() and np.median(np.abs(centers[known, 2])) < _NEAR:
        raise HandDataError(
            f'{path}: the middle depth is {np.median(centers[known, 2]):.3f} mm: these are metres, '
            'multiply by 1000'
        )
    if y_up:
        centers[:, 1] *= -1
    centers /= _MM
    check_depth_joints(Column(path, 'centre', lambda row: f'row {row + 1}'), centers[:, None])
    if joints is not None:
        _check_axes(centers, joints, known, path, y_up)
    return centers


def _check_axes(
    centers: np.ndarray, joints: np.ndarray, known: np.ndarray, path: Path, y_up: bool
) -> None:
    known = known & np.isfinite(joints).all(-1).any(1)
    if not known.any():
        return
    middle = np.nanmean(joints[known], axis=1)
    off = np.nanmedian(np.abs(centers[known] - middle), axis=0)
    mirrored = np.nanmedian(np.abs(centers[known] * [1, -1, 1] - middle), axis=0)
    # A hand is about 0.1 m; a file with another y is off by the hand's height in the picture.
    if off[1] > 0.03 and mirrored[1] < off[1] / 2:
        raise HandDataError(
            f'{path}: centres lie {1000 * off[1]:.0f} mm off the joints in y, and '
            f'{1000 * mirrored[1]:.0f} mm with y turned over: pass centers_y_up={not y_up}'
        )
    if np.max(off) > 0.15:
        print_log(
            f'{path}: centres lie {np.round(1000 * off)} mm off the joints (median)',
            logger='current',
            level=logging.WARNING,
        )
