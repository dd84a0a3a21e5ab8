"""InterHand2.6M's annotation files as columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import (
    Column,
    check_boxes,
    check_flags,
    check_focal,
    check_numbers,
    check_parameters,
    check_rotations,
    check_sizes,
    check_span,
    check_unique,
    one_of,
    shorten,
)
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field, whole_number
from mmhand.structures import convert_joints, sides
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandDataError

#: Hand types by the number that the store gives them.
HAND_TYPES = tuple(sides.HAND_TYPES)

#: Raise when the columns below change.
VERSION = 2

_ONCE = 'leave one of them out'

_MAX_PIXELS = 1e6

#: No joint of the studio is farther from the world's origin; beyond it the unit is wrong.
_MAX_MILLIMETRES = 1e5

_CAMERA_SHAPES = {'campos': (3,), 'camrot': (3, 3), 'focal': (2,), 'princpt': (2,)}
_MANO_SHAPES = {'pose': (48,), 'shape': (10,), 'trans': (3,)}

Progress = Callable[[int], None]


def build_interhand_store(
    writer: StoreWriter, sources: Mapping[str, Path | None], progress: Progress
) -> None:
    """Turn a split's files into columns.

    Tables: ``ann`` (one row an annotation, in the file's order), ``frame`` (one row a moment of a
    capture, shared by its cameras), ``camera``, ``sequence``. Joints are in canonical order, right
    hand first, still in the world and in millimetres; flags are uint8.

    Args:
        writer: takes the columns.
        sources: paths of ``data``, ``camera``, ``joint_3d`` and ``mano`` (or ``None``).
        progress: called with the bytes read.

    Raises:
        HandFileError: a file is unreadable or no JSON.
        HandDataError: a record is malformed or points to nothing; names file and record.
    """
    cameras = _read_cameras(writer, sources['camera'], progress)
    frames = _read_frames(writer, sources['joint_3d'], progress)
    if sources.get('mano') is not None:
        _read_mano(writer, sources['mano'], frames, progress)
    _read_annotations(writer, sources['data'], sources, cameras, frames, progress)


def _hand_type(record: dict, path: Path, name: str) -> int:
    value = record_field(record, 'hand_type', path, name)
    return one_of(value, HAND_TYPES, path, name, 'hand_type')


def _canonical(values: np.ndarray, axis: int) -> np.ndarray:
    """Joints of two hands, (N, 42, ...) in the file's order, as (N, 2, 21, ...) in canonical."""
    shape = (len(values), 2, 21, *values.shape[2:])
    return convert_joints(values.reshape(shape), 'interhand21', 'canonical', axis=axis)


def _read_cameras(
    writer: StoreWriter, path: Path, progress: Progress
) -> dict[tuple[int, str], int]:
    blocks = {
        key: RecordColumn(path, key, shape, np.float64) for key, shape in _CAMERA_SHAPES.items()
    }
    rows: dict[tuple[int, str], int] = {}
    with JsonStream(path, progress=progress) as stream:
        for capture in stream.members():
            record = stream.value()
            number = whole_number(capture, path, 'capture')
            names = record_field(record, 'campos', path, f'capture {capture}')
            for camera in names:
                name = f'camera {camera} of capture {capture}'
                for key, block in blocks.items():
                    part = record_field(record, key, path, f'capture {capture}')
                    block.add(
                        record_field(part, camera, path, f'"{key}" of capture {capture}'), name
                    )
                if (number, camera) in rows:
                    raise HandDataError(f'{path}: {name} is there twice; {_ONCE}')
                rows[number, camera] = len(rows)
        stream.finish()
    names = [f'camera {camera} of capture {capture}' for capture, camera in rows]
    columns = {key: (Column(path, key, names), block.column()) for key, block in blocks.items()}
    check_numbers(*columns['campos'], limit=_MAX_MILLIMETRES, unit='mm')
    check_numbers(*columns['princpt'], limit=_MAX_PIXELS, unit='pixels')
    check_rotations(*columns['camrot'])
    check_focal(*columns['focal'])
    for key, (_, values) in columns.items():
        writer.add('camera', key, values)
    writer.add('camera', 'capture', np.array([capture for capture, _ in rows], dtype=np.int32))
    writer.add_strings('camera', 'name', (camera for _, camera in rows))
    return rows


def _captures(stream: JsonStream, path: Path) -> Iterator[tuple[int, int, Any]]:
    """(capture, frame, record) of a file with capture and frame as nested keys."""
    for capture in stream.members():
        number = whole_number(capture, path, 'capture')
        for frame in stream.members():
            yield number, whole_number(frame, path, f'frame of capture {capture}:'), stream.value()
    stream.finish()


def _read_frames(writer: StoreWriter, path: Path, progress: Progress) -> dict[tuple[int, int], int]:
    world = RecordColumn(path, 'world_coord', (42, 3), np.float32)
    valid = RecordColumn(path, 'joint_valid', (42,), np.float32)
    types, rows = [], {}
    with JsonStream(path, progress=progress) as stream:
        for capture, frame, record in _captures(stream, path):
            name = f'frame {frame} of capture {capture}'
            world.add(record_field(record, 'world_coord', path, name), name)
            valid.add(record_field(record, 'joint_valid', path, name), name)
            types.append(_hand_type(record, path, name))
            if (capture, frame) in rows:
                raise HandDataError(f'{path}: {name} is there twice; {_ONCE}')
            rows[capture, frame] = len(rows)
    world_mm, flags = world.column(), valid.column()
    moments = list(rows)

    def moment(row: int) -> str:
        return f'frame {moments[row][1]} of capture {moments[row][0]}'

    check_flags(Column(path, 'joint_valid', moment), flags)
    flags = flags > 0
    wild = flags & ~(np.abs(world_mm) < _MAX_MILLIMETRES).all(-1)
    if wild.any():
        row, joint = np.argwhere(wild)[0]
        raise HandDataError(
            f'{path}: {moment(row)}: joint {joint} is marked valid but lies '
            f'at {world_mm[row, joint].tolist()} mm; correct the file or mark it invalid'
        )
    hands, seen = world_mm.reshape(-1, 21, 3), flags.reshape(-1, 21)
    check_span(Column(path, 'world_coord', moment), hands, seen)
    writer.add('frame', 'world', _canonical(np.nan_to_num(world_mm), axis=-2))
    writer.add('frame', 'valid', _canonical(flags, axis=-1).astype(np.uint8))
    writer.add('frame', 'hand_type', np.array(types, dtype=np.uint8))
    numbers = np.array(list(rows), dtype=np.int64).reshape(-1, 2)
    writer.add('frame', 'capture', numbers[:, 0].astype(np.int32))
    writer.add('frame', 'frame_idx', numbers[:, 1])
    return rows


def _read_mano(
    writer: StoreWriter, path: Path, frames: Mapping[tuple[int, int], int], progress: Progress
) -> None:
    columns = {
        key: np.zeros((len(frames), 2, *shape), np.float32) for key, shape in _MANO_SHAPES.items()
    }
    valid = np.zeros((len(frames), 2), np.uint8)
    blocks = {
        key: RecordColumn(path, key, shape, np.float32) for key, shape in _MANO_SHAPES.items()
    }
    slots, names = [], []
    with JsonStream(path, progress=progress) as stream:
        for capture, frame, record in _captures(stream, path):
            row = frames.get((capture, frame))
            if row is None:  # fitted, but without joints: no annotation can refer to it
                continue
            for side, key in enumerate(SIDES):
                name = f'{key} hand of frame {frame} of capture {capture}'
                hand = record_field(record, key, path, f'frame {frame} of capture {capture}')
                if hand is None:
                    continue
                for field, block in blocks.items():
                    block.add(record_field(hand, field, path, name), name)
                slots.append((row, side))
                names.append(name)
    if slots:
        index = tuple(np.array(slots).T)
        valid[index] = 1
        for key, block in blocks.items():
            values = block.column()
            check_parameters(Column(path, key, names), values)
            columns[key][index] = values
    for key, column in columns.items():
        writer.add('frame', f'mano_{key}', column)
    writer.add('frame', 'mano_valid', valid)


class _Images:
    """The ``images`` array of ``data.json`` as columns."""

    _FIELDS = ('id', 'width', 'height', 'capture', 'subject', 'frame_idx')

    def __init__(
        self, path: Path, cameras: Mapping[tuple[int, str], int], camera_path: Path
    ) -> None:
        self.path, self.cameras, self.camera_path = path, cameras, camera_path
        self.blocks = {key: RecordColumn(path, key, (), np.int64) for key in self._FIELDS}
        self.file_names: list[str] = []
        self.camera_rows: list[int] = []
        self.sequence_rows: list[int] = []
        self.sequences: dict[str, int] = {}

    def read(self, records: Iterable[Any]) -> None:
        """Add the records of the array."""
        for record in records:
            name = f'image {record_field(record, "id", self.path, f"image {len(self.file_names)}")}'
            for key, block in self.blocks.items():
                block.add(record_field(record, key, self.path, name), name)
            file_name = record_field(record, 'file_name', self.path, name)
            if not isinstance(file_name, str):
                raise HandDataError(
                    f'{self.path}: {name}: "file_name" is {shorten(file_name)}, expected text'
                )
            camera = str(record_field(record, 'camera', self.path, name))
            capture = whole_number(record['capture'], self.path, f'capture of {name}:')
            row = self.cameras.get((capture, camera))
            if row is None:
                raise HandDataError(
                    f'{self.path}: {name} was taken by camera {camera} of capture {capture}, '
                    f'which is not in {self.camera_path}'
                )
            self.file_names.append(file_name)
            self.camera_rows.append(row)
            sequence = str(record.get('seq_name', ''))
            self.sequence_rows.append(self.sequences.setdefault(sequence, len(self.sequences)))


def _read_annotations(
    writer: StoreWriter,
    path: Path,
    sources: Mapping[str, Path | None],
    cameras: Mapping[tuple[int, str], int],
    frames: Mapping[tuple[int, int], int],
    progress: Progress,
) -> None:
    images = _Images(path, cameras, sources['camera'])
    blocks = {
        'id': RecordColumn(path, 'id', (), np.int64),
        'image_id': RecordColumn(path, 'image_id', (), np.int64),
        'bbox': RecordColumn(path, 'bbox', (4,), np.float32),
        'joint_valid': RecordColumn(path, 'joint_valid', (42,), np.float32),
        'hand_type_valid': RecordColumn(path, 'hand_type_valid', (), np.float32),
    }
    types, seen = [], set()
    with JsonStream(path, progress=progress) as stream:
        for key in stream.members():
            if key == 'images':
                images.read(stream.elements())
            elif key == 'annotations':
                for record in stream.elements():
                    name = (
                        f'annotation {record_field(record, "id", path, f"annotation {len(types)}")}'
                    )
                    for field, block in blocks.items():
                        block.add(record_field(record, field, path, name), name)
                    types.append(_hand_type(record, path, name))
            else:
                stream.value()
            seen.add(key)
        stream.finish()
    for key in ('images', 'annotations'):
        if key not in seen:
            raise HandDataError(f'{path} has no "{key}" array; is it a data.json of InterHand2.6M?')
    columns = {key: block.column() for key, block in blocks.items()}
    image_columns = {key: block.column() for key, block in images.blocks.items()}

    def annotation(row: int) -> str:
        return f'annotation {columns["id"][row]}'

    def image(row: int) -> str:
        return f'image {image_columns["id"][row]}'

    check_unique(Column(path, 'id', annotation), columns['id'])
    check_unique(Column(path, 'id', image), image_columns['id'])
    check_boxes(Column(path, 'bbox', annotation), columns['bbox'])
    for key in ('joint_valid', 'hand_type_valid'):
        check_flags(Column(path, key, annotation), columns[key])
    for key in ('width', 'height'):
        check_sizes(Column(path, key, image), image_columns[key])
    rows = _image_rows(path, columns, image_columns['id'])
    writer.add('ann', 'id', columns['id'])
    writer.add('ann', 'image_id', columns['image_id'])
    writer.add('ann', 'bbox', columns['bbox'])
    writer.add('ann', 'valid', _canonical(columns['joint_valid'] > 0, axis=-1).astype(np.uint8))
    writer.add('ann', 'hand_type', np.array(types, dtype=np.uint8))
    writer.add('ann', 'hand_type_valid', (columns['hand_type_valid'] > 0).astype(np.uint8))
    frame_rows = _frame_rows(path, sources['joint_3d'], image_columns, frames)
    writer.add('ann', 'frame', frame_rows[rows])
    writer.add('ann', 'camera', np.array(images.camera_rows, dtype=np.int32)[rows])
    writer.add('ann', 'sequence', np.array(images.sequence_rows, dtype=np.int32)[rows])
    for key in ('width', 'height', 'subject'):
        writer.add('ann', key, image_columns[key].astype(np.int32)[rows])
    writer.add_strings('ann', 'file_name', (images.file_names[row] for row in rows))
    writer.add_strings('sequence', 'name', images.sequences)


def _image_rows(path: Path, columns: Mapping[str, np.ndarray], image_ids: np.ndarray) -> np.ndarray:
    """Row of each annotation's image."""
    if not len(columns['id']):
        raise HandDataError(f'{path} holds no annotations')
    if not len(image_ids):
        raise HandDataError(f'{path} holds no images')
    order = np.argsort(image_ids, kind='stable')
    place = np.searchsorted(image_ids, columns['image_id'], sorter=order)
    rows = order[np.minimum(place, len(order) - 1)]
    lost = image_ids[rows] != columns['image_id']
    if lost.any():
        first = int(np.argmax(lost))
        raise HandDataError(
            f'{path}: annotation {columns["id"][first]} refers to image '
            f'{columns["image_id"][first]}, which is not in the file'
        )
    return rows


def _frame_rows(
    path: Path,
    joint_path: Path,
    images: Mapping[str, np.ndarray],
    frames: Mapping[tuple[int, int], int],
) -> np.ndarray:
    """Row of each image's frame in the joint file, (images,) int32."""
    pairs = zip(images['capture'].tolist(), images['frame_idx'].tolist(), strict=True)
    rows = np.array([frames.get(pair, -1) for pair in pairs], dtype=np.int32)
    if (rows < 0).any():
        first = int(np.argmax(rows < 0))
        raise HandDataError(
            f'{path}: image {images["id"][first]} shows frame {images["frame_idx"][first]} of '
            f'capture {images["capture"][first]}, which is not in {joint_path}'
        )
    return rows
