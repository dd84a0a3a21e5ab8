"""A data set of one's own: a folder of pictures and one JSON file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmhand.datasets import AnnotationStore, BaseHandDataset, StoreWriter
from mmhand.datasets.checks import Column, check_boxes, check_numbers, one_of
from mmhand.datasets.flat_record import flat_record
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.registry import DATASETS
from mmhand.structures.sides import SIDES


@DATASETS.register_module()
class MyHandsDataset(BaseHandDataset):
    """``hands.json``: a list of ``{"picture", "side", "box", "joints"}``; pictures lie in ``pictures``.

    ``joints`` are 21 of ``[x, y, marked]``, pixels, wrist first, then thumb to pinky from base to tip;
    ``box`` is ``[x, y, width, height]``.
    """

    METAINFO: dict = dict(dataset_name='my_hands', joint_set='canonical')
    SPLITS = ('train', 'test')

    def source_files(self) -> dict[str, Path | None]:
        """A store is made anew when one of these changes."""
        return {'hands': Path(self.data_root) / f'{self.split}.json'}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Once: the file becomes columns, and what is wrong in it is said with its record."""
        path, names, sides = sources['hands'], [], []
        boxes = RecordColumn(path, 'box', (4,), np.float32)
        joints = RecordColumn(path, 'joints', (21, 3), np.float32)
        with JsonStream(path, progress=progress) as stream:
            for number, record in enumerate(stream.elements()):
                what = f'hand {number}'
                names.append(record_field(record, 'picture', path, what))
                side = record_field(record, 'side', path, what)
                sides.append(one_of(side, SIDES, path, what, 'side'))
                boxes.add(record_field(record, 'box', path, what), what)
                joints.add(record_field(record, 'joints', path, what), what)
            stream.finish()

        def hand(row: int) -> str:
            return f'hand {row}'

        check_boxes(Column(path, 'box', hand), boxes.column())
        check_numbers(Column(path, 'joints', hand), joints.column(), 1e6, 'pixels')
        writer.add_strings('hand', 'name', names)
        writer.add('hand', 'side', np.array(sides, np.uint8))
        writer.add('hand', 'box', boxes.column())
        writer.add('hand', 'joints', joints.column())

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """All of them."""
        return np.arange(store['hand'].rows)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """One hand as the pipeline takes it."""
        hand = store['hand']
        joints = hand['joints'][row]
        return flat_record(
            side=SIDES[hand['side'][row]],
            keypoints_2d=joints[:, :2],
            valid=joints[:, 2] > 0,
            bbox=hand['box'][row],
            img_path=str(Path(self.data_root) / 'pictures' / hand['name'][row]),
            sample_id=f'{self.split}/{row}',
            dataset='my_hands',
        )
