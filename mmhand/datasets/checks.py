"""What numbers of an annotation can mean, checked over whole columns when a store is built.

A reader says once per column what its numbers are (joints, a camera's matrix, a rotation ...), and a
value that cannot be one ends in one line with the file, the record, the field, the value and what to do.
Nothing here runs again when the store is opened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.utils.errors import HandDataError, HandFileError

#: Hands of all benchmarks are nearer to their camera; larger numbers are another unit, metres.
FARTHEST = 20.0

#: No hand is nearer to a depth camera, metres.
_NEAREST = 0.02

#: The joints of one hand lie closer together, metres.
WIDEST = 1.0

#: Angles (radians), shape and pose components of fitted hands are smaller.
LARGEST_PARAMETER = 100.0

#: Focal lengths, principal points and corners of boxes are smaller, pixels.
LARGEST_PIXEL = 1e6

_ROTATION_TOLERANCE = 1e-2

_REMEDY = 'correct the file or leave the record out'


def shorten(value: Any) -> str:
    """A value for a message: one line of a readable length."""
    if isinstance(value, np.ndarray):
        # Half a million numbers need not become text for the first ten of them.
        value = (
            np.round(value.reshape(-1)[:24].astype(float), 6).tolist() if value.ndim else value[()]
        )
    if isinstance(value, np.generic):
        value = value.item()
    # Text and lists can be as long as a file.
    try:
        text = repr(value[:200] if isinstance(value, str | bytes | list | tuple) else value)
    except RecursionError:
        return f'a {type(value).__name__} of too many levels'
    text = ' '.join(text.split())
    return text if len(text) <= 60 else f'{text[:57]}...'


@dataclass(frozen=True)
class Column:
    """Where the rows of a column come from, for messages.

    Attributes:
        path: the file, or the folder of a file a record.
        key: the field's name in it.
        names: what each row's record is called: texts, or a function of the row.
        remedy: what to do about a wrong record.
    """

    path: Path | str
    key: str
    names: Sequence[str] | Callable[[int], str] = field(default=lambda row: f'record {row}')
    remedy: str = _REMEDY

    def refuse(self, bad: np.ndarray, values: np.ndarray, problem: str) -> None:
        """Raise about the first of the bad rows.

        Args:
            bad: (N,) flags, or (N, ...), any of which makes the row bad.
            values: (N, ...) of the column, to show.
            problem: what the value is, such as ``'is not finite'``.

        Raises:
            HandDataError: there is one.
        """
        if not bad.any():
            return
        rows = bad.reshape(len(bad), -1).any(1)
        row = int(np.argmax(rows))
        name = self.names(row) if callable(self.names) else self.names[row]
        where = ''
        if bad.ndim > 1 and bad.size // len(bad) > 1:
            place = np.argwhere(bad[row])[0].tolist()
            where = f'[{", ".join(map(str, place))}]'
        shown = values[row]
        for index in place if where else ():
            shown = shown[index]
        more = f' ({int(rows.sum()) - 1} more such records)' if rows.sum() > 1 else ''
        raise HandDataError(
            f'{self.path}: {name}: "{self.key}"{where} {shorten(np.asarray(shown))} {problem}; '
            f'{self.remedy}{more}'
        )


def check_numbers(
    column: Column, values: np.ndarray, limit: float, unit: str = '', used: np.ndarray | None = None
) -> None:
    """Refuse what is not finite or beyond ``limit``.

    Args:
        column: its origin.
        values: (N, ...).
        limit: largest absolute value.
        unit: of it, for the message.
        used: flags that broadcast against ``values``; others may hold anything.
    """
    # Not "above the limit": comparisons with what is no number are false.
    bad = ~(np.abs(values) <= limit)
    if used is not None:
        bad &= used
    if bad.any():
        column.refuse(bad & ~np.isfinite(values), values, 'is not finite')
        column.refuse(bad, values, f'lies beyond {limit:g}{" " if unit else ""}{unit}')


def check_flags(column: Column, values: np.ndarray) -> None:
    """Flags (N, ...), 0 or 1."""
    check_numbers(column, values, 1.0)
    column.refuse((values != 0) & (values != 1), values, 'is neither 0 nor 1')


def check_span(column: Column, points: np.ndarray, valid: np.ndarray) -> None:
    """Refuse a file whose hands, as a rule, are of no hand's size, because its unit is another one.

    Single hands may be annotated badly, which is no reason to refuse a whole data set.

    Args:
        column: its origin.
        points: (N, J, 3) joints of one hand a row, millimetres.
        valid: (N, J) bool; hands with fewer than half of their joints are not looked at.

    Raises:
        HandDataError: the middle hand measures less than 2 cm or more than ten metres.
    """
    many = 2 * valid.sum(1) >= valid.shape[1]
    if not many.any():
        return
    shown, flags = points[many], valid[many][..., None]
    low = np.where(flags, shown, np.inf).min(1)
    span = (np.where(flags, shown, -np.inf).max(1) - low).max(1)
    middle = float(np.median(span))
    if not 20.0 <= middle <= 10_000.0 * WIDEST:
        raise HandDataError(
            f'{column.path}: the middle hand of "{column.key}" measures {middle:.3g} mm: the file is in '
            'another unit, or its joints are not those of hands; take the official millimetres'
        )


def check_parameters(column: Column, values: np.ndarray) -> None:
    """Angles, and components of poses or shapes, (N, ...)."""
    check_numbers(column, values, LARGEST_PARAMETER)


def check_sizes(column: Column, sizes: np.ndarray) -> None:
    """Widths or heights (N,) of pictures, whole pixels."""
    column.refuse(~((sizes > 0) & (sizes <= 1 << 16)), sizes, 'is no size of a picture in pixels')


def check_focal(column: Column, focal: np.ndarray) -> None:
    """Focal lengths (N, ...), pixels."""
    check_numbers(column, focal, LARGEST_PIXEL, 'pixels')
    column.refuse(~(focal > 0), focal, 'is no focal length, expected pixels above 0')


def check_intrinsics(column: Column, matrices: np.ndarray) -> None:
    """Camera matrices (N, 3, 3): positive focal lengths, and (0, 0, 1) below."""
    check_numbers(column, matrices, LARGEST_PIXEL, 'pixels')
    check_focal(column, np.diagonal(matrices, axis1=1, axis2=2)[:, :2])
    odd = (np.abs(matrices[:, 2] - [0, 0, 1]) > 1e-6).any(1) | (np.abs(matrices[:, 1, 0]) > 1e-6)
    column.refuse(
        odd, matrices, 'is no camera matrix: expected [fx, s, cx], [0, fy, cy], [0, 0, 1]'
    )


def check_rotations(column: Column, matrices: np.ndarray) -> None:
    """Rotation matrices (N, 3, 3)."""
    check_numbers(column, matrices, 2.0)
    off = np.abs(matrices @ matrices.swapaxes(1, 2) - np.eye(3)).max((1, 2))
    column.refuse(
        off > _ROTATION_TOLERANCE,
        matrices,
        'is no rotation: its rows are no unit vectors at right angles',
    )
    column.refuse(np.linalg.det(matrices) < 0, matrices, 'is a mirror image, not a rotation')


def check_boxes(column: Column, boxes: np.ndarray) -> None:
    """Boxes (N, 4) in pixels. Empty ones make their sample unusable, not the file."""
    check_numbers(column, boxes, LARGEST_PIXEL, 'pixels')


def check_hands(column: Column, points: np.ndarray, unit: float = 1.0) -> None:
    """Joints or vertices (N, J, 3) of one hand a row, in the camera's frame, z forward.

    Args:
        column: its origin.
        points: (N, J, 3).
        unit: metres of one of their unit.
    """
    what = 'metres' if unit == 1.0 else 'millimetres'
    check_numbers(column, points, FARTHEST / unit, f'{what} (another unit?)')
    column.refuse(~(points[..., 2] > 0).any(1), points, 'lies behind the camera')
    size = np.ptp(points, axis=1).max(1, initial=0)
    column.refuse(
        size > WIDEST / unit, points, f'spans over {WIDEST / unit:g} {what}: no hand is so large'
    )


def check_depth_joints(column: Column, joints: np.ndarray) -> None:
    """Joints (N, J, 3) before a depth camera, metres; NaN where one is not annotated.

    The benchmarks' files hold millimetres: what is far too near was in metres.
    """
    check_numbers(column, joints, FARTHEST, 'metres (another unit?)', used=~np.isnan(joints))
    depth = joints[..., 2][np.isfinite(joints[..., 2])]
    if depth.size and np.median(np.abs(depth)) < _NEAREST:
        raise HandDataError(
            f'{column.path}: the middle depth of "{column.key}" is {1000 * np.median(depth):.2g} mm: '
            'the file is in metres, take the official millimetres'
        )


def read_lines(path: Path, what: str) -> list[str]:
    """Lines of a text file of annotations.

    Raises:
        HandFileError: it cannot be read, or is no text; ``what`` it should be.
    """
    try:
        return path.read_text(encoding='utf-8').splitlines()
    except OSError as error:
        raise HandFileError(f'cannot read {path}: {error.strerror or error}') from None
    except UnicodeDecodeError:
        raise HandFileError(f'{path} is no text, expected {what}; copy it again') from None


def check_unique(column: Column, ids: np.ndarray) -> None:
    """Numbers or texts (N,) of which none may come twice."""
    ids = np.asarray(ids)
    order = np.argsort(ids, kind='stable')
    twice = np.zeros(len(ids), dtype=bool)
    twice[order[1:]] = ids[order][1:] == ids[order][:-1]
    column.refuse(twice, ids, 'was there before: each may be there once')


def one_of(value: Any, known: Sequence[str], path: Path | str, name: str, key: str) -> int:
    """Place of a text among the known ones.

    Raises:
        HandDataError: it is none of them; says so with file, record and field.
    """
    if not isinstance(value, str) or value not in known:
        raise HandDataError(
            f'{path}: {name}: unknown {key} {shorten(value)}; known: {", ".join(known)}; {_REMEDY}'
        )
    return tuple(known).index(value)
