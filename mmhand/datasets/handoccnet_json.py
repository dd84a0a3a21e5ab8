"""HandOccNet's COCO-style annotation files of HO3D and DexYCB.

Source: methods/spmhand.md#annotation-files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import (
    FARTHEST,
    Column,
    check_boxes,
    check_focal,
    check_hands,
    check_numbers,
    check_parameters,
    one_of,
    shorten,
)
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandDataError

#: Field of an annotation, its place in the record, and its shape.
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    'joints': (('joints_coord_cam',), (21, 3)),
    'focal': (('cam_param', 'focal'), (2,)),
    'princpt': (('cam_param', 'princpt'), (2,)),
    'pose': (('mano_param', 'pose'), (48,)),
    'betas': (('mano_param', 'shape'), (10,)),
    'root': (('root_joint_cam',), (3,)),
    'bbox': (('bbox',), (4,)),
}
TRAINING = ('joints', 'focal', 'princpt', 'pose', 'betas')
EVALUATION = ('root', 'focal', 'princpt', 'bbox')


def annotated(joints: np.ndarray) -> np.ndarray:
    """(N,) bool hands (N, 21, 3) that are annotated: DexYCB's labels mark others by joints of -1."""
    return (joints != -1).any((1, 2))


def _points(column: Column, array: np.ndarray) -> None:
    check_numbers(column, array, FARTHEST, 'metres (another unit?)')


def _hands(column: Column, joints: np.ndarray) -> None:
    check_hands(column, np.where(annotated(joints)[:, None, None], joints, 1.0))


_CHECKS: dict[str, Callable[[Column, np.ndarray], None]] = {
    'joints': _hands,
    'focal': check_focal,
    'princpt': check_boxes,
    'pose': check_parameters,
    'betas': check_parameters,
    'root': _points,
    'bbox': check_boxes,
}


def _names_of(images: list) -> Callable[[int], str]:
    return lambda row: f'annotation of image {images[row]}'


def build_handoccnet_store(
    writer: StoreWriter,
    path: Path,
    fields: tuple[str, ...],
    progress: Callable[[int], None],
    with_sides: bool = False,
) -> None:
    """Turn one of the files into columns of table ``frame``, in the order of its annotations.

    Joints are canonical, in metres and OpenCV's axes already; poses are relative to the hand mean.

    Args:
        writer: takes ``name`` (the picture's path in the file), ``K`` (3, 3), ``root`` (3,), and the
            columns asked for.
        path: the file.
        fields: which columns, names of this module's table.
        progress: called with the bytes read.
        with_sides: read ``hand_type`` into column ``left`` (uint8).

    Raises:
        HandFileError: unreadable or no JSON.
        HandDataError: a record is malformed; names it.
    """
    names: dict[Any, str] = {}
    columns = {key: RecordColumn(path, key, _FIELDS[key][1], np.float64) for key in fields}
    images, left = [], []
    with JsonStream(path, progress=progress) as stream:
        for key in stream.members():
            if key == 'images':
                for image in stream.elements():
                    number = record_field(image, 'id', path, 'an image')
                    if not isinstance(number, int | str) or number in names:
                        raise HandDataError(
                            f'{path}: image id {shorten(number)} is no number, or is there twice; leave '
                            'one out'
                        )
                    names[number] = record_field(image, 'file_name', path, f'image {number}')
            elif key == 'annotations':
                for record in stream.elements():
                    number = record_field(record, 'image_id', path, 'an annotation')
                    what = f'annotation of image {number}'
                    images.append(number)
                    for field, column in columns.items():
                        value = record
                        for part in _FIELDS[field][0]:
                            value = record_field(value, part, path, what)
                        column.add(value, what)
                    if with_sides:
                        side = record_field(record, 'hand_type', path, what)
                        left.append(
                            one_of(side, SIDES, path, what, 'hand_type') == SIDES.index('left')
                        )
            else:
                stream.value()
        stream.finish()
    unknown = [
        number for number in images if not isinstance(number, int | str) or number not in names
    ]
    if unknown or not images:
        raise HandDataError(
            f'{path}: ' + (f'no image {shorten(unknown[0])}' if unknown else 'holds no annotation')
        )
    arrays = {key: column.column() for key, column in columns.items()}
    columns_of = {key: Column(path, '.'.join(_FIELDS[key][0]), _names_of(images)) for key in arrays}
    for key, array in arrays.items():
        _CHECKS[key](columns_of[key], array)
    focal, center = arrays.pop('focal'), arrays.pop('princpt')
    intrinsics = np.zeros((len(images), 3, 3))
    intrinsics[:, [0, 1], [0, 1]], intrinsics[:, :2, 2], intrinsics[:, 2, 2] = focal, center, 1
    writer.add('frame', 'K', intrinsics)
    writer.add_strings('frame', 'name', (names[number] for number in images))
    writer.add('frame', 'position', np.arange(len(images)))
    if 'root' not in arrays:
        arrays['root'] = arrays['joints'][:, 0]
    for key, array in arrays.items():
        writer.add('frame', key, array)
    if with_sides:
        writer.add('frame', 'left', np.array(left, dtype=np.uint8))
    writer.info['flat_pose'] = False
