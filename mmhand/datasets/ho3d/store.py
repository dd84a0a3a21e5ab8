"""HO3D's annotation files as columns."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmhand.cameras.pinhole import OPENGL_SIGNS
from mmhand.datasets.checks import (
    FARTHEST,
    Column,
    check_boxes,
    check_hands,
    check_intrinsics,
    check_numbers,
    check_parameters,
)
from mmhand.datasets.mano_params import rotate_pose
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.hand_models.io import load_pickle
from mmhand.structures import convert_joints
from mmhand.utils.errors import HandDataError
from mmhand.utils.pickle_records import evaluate

from .files import HO3DFiles, read_frame_list

#: Raise when the columns below change.
VERSION = 1

_TO_OPENCV = np.diag(OPENGL_SIGNS)

Progress = Callable[[int], None]


def build_ho3d_store(writer: StoreWriter, files: HO3DFiles, progress: Progress) -> None:
    """Turn the pickles of a split into columns.

    Table ``frame``, one row a frame of the official list that is annotated: ``name``
    (``SEQUENCE/FRAME``), ``root`` (3,) metres, ``K`` (3, 3), and for training ``joints`` (21, 3)
    canonical, metres, ``pose`` (48,) and ``betas`` (10,); for evaluation ``bbox`` (4,) xywh.
    Everything is in OpenCV's camera frame. ``pose`` is the file's: relative to the *flat* hand.
    ``position`` is the row in the official list. Published ground truth of the evaluation split
    becomes ``joints`` and table ``mesh``'s ``vertices`` (V, 3), float32.

    Raises:
        HandFileError: a pickle is missing or broken.
        UnsafeFileError: a pickle asks for foreign classes.
        HandDataError: a field is missing or malformed; names file and field.
    """
    training = files.split == 'train'
    names = read_frame_list(files.frames)
    shapes: dict[str, tuple[int, ...]] = {'camMat': (3, 3)}
    shapes |= (
        {'handJoints3D': (21, 3), 'handPose': (48,), 'handBeta': (10,)}
        if training
        else {'handJoints3D': (3,), 'handBoundingBox': (4,)}
    )
    columns = {
        key: RecordColumn(files.frames, key, shape, np.float64) for key, shape in shapes.items()
    }
    kept = []
    for position, name in enumerate(names):
        record = _read_meta(files.meta(name), progress)
        values = {key: _value(record, key, files.meta(name)) for key in shapes}
        if any(value is None for value in values.values()):  # frames without annotation
            continue
        joints = np.atleast_2d(values['handJoints3D'])
        values['handJoints3D'] = joints if training else joints[0]
        for key, column in columns.items():
            column.add(values[key], name)
        kept.append(position)
    if not kept:
        raise HandDataError(f'{files.frames}: no frame of the list is annotated')
    if len(kept) < len(names):
        print_log(
            f'{files.frames}: {len(names) - len(kept)} of {len(names)} listed frames have no annotation '
            'and are left out',
            logger='current',
            level=logging.WARNING,
        )
    arrays = {key: column.column() for key, column in columns.items()}
    _check(arrays, files, [names[position] for position in kept])
    points = arrays['handJoints3D'] * np.array(OPENGL_SIGNS)
    writer.add_strings('frame', 'name', (names[position] for position in kept))
    writer.add('frame', 'position', np.array(kept, dtype=np.int64))
    writer.add('frame', 'K', arrays['camMat'])
    if training:
        writer.add('frame', 'joints', convert_joints(points, 'ho3d', 'canonical'))
        writer.add('frame', 'root', points[:, 0])
        writer.add('frame', 'pose', rotate_pose(arrays['handPose'], _TO_OPENCV))
        writer.add('frame', 'betas', arrays['handBeta'])
        writer.info['flat_pose'] = True
    else:
        writer.add('frame', 'root', points)
        corners = arrays['handBoundingBox']
        writer.add(
            'frame', 'bbox', np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
        )
        _add_published(writer, files, len(names), np.array(kept), progress)


def _check(arrays: Mapping[str, np.ndarray], files: HO3DFiles, kept: list[str]) -> None:
    """Refuse what cannot be a hand in front of a camera; axes are still OpenGL's."""
    columns = {key: Column(files.root / files.split, key, kept) for key in arrays}
    joints = arrays['handJoints3D'].reshape(len(kept), -1, 3) * np.array(OPENGL_SIGNS)
    if joints.shape[1] > 1:
        check_hands(columns['handJoints3D'], joints)
    else:
        check_numbers(columns['handJoints3D'], joints, FARTHEST, 'metres (another unit?)')
    check_intrinsics(columns['camMat'], arrays['camMat'])
    for key in ('handPose', 'handBeta'):
        if key in arrays:
            check_parameters(columns[key], arrays[key])
    if 'handBoundingBox' in arrays:
        check_boxes(columns['handBoundingBox'], arrays['handBoundingBox'])


def _read_meta(path: Path, progress: Progress) -> Mapping[str, Any]:
    record = load_pickle(path)
    progress(path.stat().st_size)
    if not isinstance(record, Mapping):
        raise HandDataError(f'{path}: holds a {type(record).__name__}, expected a dict')
    return record


def _value(record: Mapping[str, Any], key: str, path: Path) -> Any:
    value = record_field(record, key, path, 'the annotation')
    try:
        if isinstance(value, list | tuple):  # lists may hold NumPy's scalars
            return [evaluate(entry) for entry in value]
        return evaluate(value)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise HandDataError(f'{path}: "{key}" is no array ({error})') from None


def _add_published(
    writer: StoreWriter, files: HO3DFiles, total: int, kept: np.ndarray, progress: Progress
) -> None:
    """The ground truth that was published in 2024: HO3D's order and OpenGL's axes, metres."""
    signs = np.array(OPENGL_SIGNS, dtype=np.float32)
    if files.joints is not None:
        joints = _read_published(files.joints, total, progress)[kept] * signs
        writer.add('frame', 'joints', convert_joints(joints, 'ho3d', 'canonical'))
    if files.vertices is not None:
        vertices = _read_published(files.vertices, total, progress)[kept] * signs
        writer.add('frame', 'vertices', vertices)


def _read_published(path: Path, total: int, progress: Progress) -> np.ndarray:
    """(total, N, 3) float32, one sample in memory as Python objects at a time."""
    rows: list[np.ndarray] = []
    with JsonStream(path, progress=progress) as stream:
        for number, entry in enumerate(stream.elements()):
            try:
                row = np.asarray(entry, dtype=np.float32)
            except (TypeError, ValueError):
                row = np.zeros(0, np.float32)
            if row.ndim != 2 or row.shape[1] != 3 or (rows and row.shape != rows[0].shape):
                raise HandDataError(
                    f'{path}: entry {number} is no list of 3D points like those before it'
                )
            rows.append(row)
        stream.finish()
    if len(rows) != total:
        raise HandDataError(
            f'{path} has {len(rows)} entries, the list of frames has {total}: they must be of the '
            'same version of HO3D'
        )
    points = np.stack(rows)
    check_hands(
        Column(path, 'points', lambda row: f'entry {row}'),
        points * np.array(OPENGL_SIGNS, np.float32),
    )
    return points
