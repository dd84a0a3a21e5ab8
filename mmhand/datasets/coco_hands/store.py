"""COCO-style keypoint files of hands as columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import (
    Column,
    check_boxes,
    check_numbers,
    check_sizes,
    check_unique,
    one_of,
    shorten,
)
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.structures import bbox_from_points, convert_joints
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandDataError

#: Raise when the columns below change.
VERSION = 1

#: Side of a hand that nobody tells: taken for a right one, and marked so.
UNKNOWN = 2

_JOINTS = 21

#: Prefixes of COCO-WholeBody's fields of each side, right first.
_WHOLE_BODY = ('righthand', 'lefthand')

Progress = Callable[[int], None]


def build_coco_store(
    writer: StoreWriter,
    path: Path,
    joint_set: str,
    progress: Progress,
    whole_body: bool = False,
    side_of: Callable[[str], str | None] = lambda name: None,
) -> None:
    """Turn a file into columns of table ``hand``, one row an annotated hand, in the file's order.

    ``name`` (the picture's ``file_name``), ``id`` (of the annotation), ``size`` (width, height),
    ``side`` (0 right, 1 left, 2 unknown), ``bbox`` (4,) xywh, ``keypoints`` (21, 2) pixels in canonical
    order, ``valid`` (21,) uint8, ``head`` the ``head_size`` of Panoptic, NaN where there is none. Hands
    of which no joint is marked are left out; ``info['empty']`` counts them. A hand without box gets the
    tight one of its marked joints.

    Args:
        writer: takes the columns.
        path: the file.
        joint_set: the file's order of joints.
        progress: called with the bytes read.
        whole_body: read ``lefthand_*`` and ``righthand_*`` of COCO-WholeBody in place of ``keypoints``.
        side_of: side by the picture's name where the record has no ``hand_type``.

    Raises:
        HandFileError: unreadable or no JSON.
        HandDataError: a record is malformed or points to no picture; names it.
    """
    images = _Images(path)
    hands = _Hands(path)
    with JsonStream(path, progress=progress) as stream:
        for key in stream.members():
            if key == 'images':
                for record in stream.elements():
                    images.add(record)
            elif key == 'annotations':
                for record in stream.elements():
                    hands.add(record, whole_body)
            else:
                stream.value()
        stream.finish()
    if not hands.names:
        raise HandDataError(f'{path} holds no annotated hand; is it a COCO-style keypoint file?')
    rows = images.rows(hands)
    keypoints = convert_joints(hands.keypoints.column(), joint_set, 'canonical', axis=-2)
    valid = keypoints[..., 2] > 0
    points = keypoints[..., :2]
    _check(path, hands, keypoints, valid)
    boxes = hands.boxes.column()
    bare = ~np.isfinite(boxes).all(1)
    boxes[bare] = bbox_from_points(points[bare], valid[bare]) if bare.any() else boxes[bare]
    check_boxes(Column(path, 'bbox', hands.names), boxes)
    names = [images.names[row] for row in rows]
    sides = [
        side if side != UNKNOWN or (told := side_of(name)) is None else SIDES.index(told)
        for side, name in zip(hands.sides, names, strict=True)
    ]
    writer.add_strings('hand', 'name', names)
    writer.add('hand', 'id', hands.ids.column())
    writer.add('hand', 'size', images.sizes()[rows])
    writer.add('hand', 'side', np.array(sides, np.uint8))
    writer.add('hand', 'bbox', boxes.astype(np.float32))
    writer.add('hand', 'keypoints', np.where(valid[..., None], points, 0).astype(np.float32))
    writer.add('hand', 'valid', valid.astype(np.uint8))
    writer.add('hand', 'head', hands.heads.column())
    writer.info['empty'] = hands.empty


def _check(path: Path, hands: '_Hands', keypoints: np.ndarray, valid: np.ndarray) -> None:
    column = Column(path, 'keypoints', hands.names)
    check_numbers(column, keypoints[..., 2], 1e3)
    check_numbers(column, keypoints[..., :2], 1e6, 'pixels', used=valid[..., None])
    heads = hands.heads.column()
    Column(path, 'head_size', hands.names).refuse(
        ~np.isnan(heads) & ~((heads > 0) & (heads < 1e6)), heads, 'is no size in pixels'
    )


class _Images:
    """The ``images`` array."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self._ids = RecordColumn(path, 'id', (), np.int64)
        self._sizes = [RecordColumn(path, key, (), np.int64) for key in ('width', 'height')]

    def add(self, record: Any) -> None:
        """Take one record."""
        what = f'image {len(self.names)}'
        self._ids.add(record_field(record, 'id', self.path, what), what)
        what = f'image {shorten(record["id"])}'
        name = record_field(record, 'file_name', self.path, what)
        if not isinstance(name, str) or not name:
            raise HandDataError(
                f'{self.path}: {what}: "file_name" is {shorten(name)}, expected text'
            )
        for column in self._sizes:
            column.add(record_field(record, column.field, self.path, what), what)
        self.names.append(name)

    def sizes(self) -> np.ndarray:
        """(N, 2) width and height."""
        return np.stack([column.column() for column in self._sizes], axis=1).astype(np.int32)

    def rows(self, hands: '_Hands') -> np.ndarray:
        """Row of each hand's picture."""
        ids, wanted = self._ids.column(), hands.image_ids.column()

        def image(row: int) -> str:
            return f'image {ids[row]}'

        check_unique(Column(self.path, 'id', image), ids)
        for column in self._sizes:
            check_sizes(Column(self.path, column.field, image), column.column())
        order = np.argsort(ids, kind='stable')
        place = np.searchsorted(ids, wanted, sorter=order)
        rows = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros(0, np.int64)
        found = ids[rows] == wanted if len(order) else np.zeros(len(wanted), bool)
        Column(self.path, 'image_id', hands.names).refuse(~found, wanted, 'is no image of the file')
        return rows


class _Hands:
    """The ``annotations`` array."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.sides: list[int] = []
        self.empty = 0
        self.ids = RecordColumn(path, 'id', (), np.int64)
        self.image_ids = RecordColumn(path, 'image_id', (), np.int64)
        self.keypoints = RecordColumn(path, 'keypoints', (_JOINTS, 3), np.float64)
        self.boxes = RecordColumn(path, 'bbox', (4,), np.float64)
        self.heads = RecordColumn(path, 'head_size', (), np.float64)
        self._count = 0

    def add(self, record: Any, whole_body: bool) -> None:
        """Take one record: one hand, or both of a person."""
        what = f'annotation {shorten(record_field(record, "id", self.path, f"#{self._count}"))}'
        self._count += 1
        if not whole_body:
            self._add(record, what, 'keypoints', 'bbox', self._side(record, what))
            return
        for side, prefix in enumerate(_WHOLE_BODY):
            if record_field(record, f'{prefix}_valid', self.path, what):
                what_hand = f'{prefix} of {what}'
                self._add(record, what_hand, f'{prefix}_kpts', f'{prefix}_box', side)

    def _add(self, record: dict, what: str, keypoints: str, box: str, side: int) -> None:
        joints = record_field(record, keypoints, self.path, what)
        if not _marked(joints):
            self.empty += 1
            return
        self.names.append(what)
        self.sides.append(side)
        self.ids.add(record['id'], what)
        self.image_ids.add(record_field(record, 'image_id', self.path, what), what)
        self.keypoints.add(joints, what)
        self.boxes.add(record.get(box) or [None] * 4, what)
        self.heads.add(record.get('head_size'), what)

    def _side(self, record: dict, what: str) -> int:
        side = record.get('hand_type')
        return UNKNOWN if side is None else one_of(side, SIDES, self.path, what, 'hand_type')


def _marked(joints: Any) -> bool:
    """Whether a joint may be marked visible; malformed ones are refused where they become numbers."""
    try:
        return bool((np.asarray(joints, np.float64).reshape(-1, 3)[:, 2] != 0).any())
    except (TypeError, ValueError, OverflowError):
        return True
