"""MSRA hand gesture (Sun et al., CVPR 2015): nine people, binary files of cut-out depth."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmhand.datasets.msra.msra import GESTURES, PEOPLE
from mmhand.structures import convert_joints

from ..depth_scene import DepthFrame, DepthSceneConfig
from .base import SYNTHESIS_WRITERS, rounded
from .depth import DepthWriter, text_rows
from .files import write_bytes

_FLIP = np.array([1.0, -1.0, 1.0])


@SYNTHESIS_WRITERS.register_module(name='msra')
class MSRAWriter(DepthWriter):
    """MSRA's layout: ``P0`` ... ``P8``, ``GESTURE/NUMBER_depth.bin`` and ``joint.txt``, centres of all.

    Gestures are folders only: poses are drawn as everywhere. The set has no split, every person is left
    out once.
    """

    name = camera = 'msra'
    distance = (0.25, 0.45)
    splits: ClassVar[dict[str, float]] = {'all': 1.0}
    defaults: ClassVar[dict[str, Any]] = DepthWriter.depth_defaults('msra')

    def scene(self) -> DepthSceneConfig:
        """Nine people."""
        return DepthSceneConfig(
            self.camera,
            self.distance,
            people=PEOPLE,
            hand_model=self.config.hand_model,
            turn=self.config.turn,
            sensor=self.config.sensor,
        )

    @staticmethod
    def _place(index: int) -> tuple[int, str, int]:
        rest, person = divmod(index, PEOPLE)
        number, gesture = divmod(rest, len(GESTURES))
        return person, GESTURES[gesture], number

    def sample_files(self, split: str, sample: DepthFrame) -> dict[str, Path]:
        """The binary file."""
        person, gesture, number = self._place(sample.index)
        return {'depth': Path(f'P{person}') / gesture / f'{number:06d}_depth.bin'}

    def write_file(self, kind: str, path: Path, sample: DepthFrame) -> None:
        """Header and the box about the hand, whose surroundings are cut away."""
        depth = sample.depth[0].astype('<f4')
        middle = 1000 * sample.center[0, 2]
        depth[np.abs(depth - middle) > 150] = 0
        rows, columns = np.nonzero(depth)
        box = (0, 0, 1, 1)
        if len(rows):
            box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        left, top, right, bottom = (int(edge) for edge in box)
        header = np.array([*depth.shape[::-1], left, top, right, bottom], '<u4')
        write_bytes(path, header.tobytes() + depth[top:bottom, left:right].tobytes())

    def make_record(self, split: str, sample: DepthFrame) -> dict[str, Any]:
        """Joints with y up and z negative, centre with y up; millimetres."""
        person, gesture, number = self._place(sample.index)
        joints = convert_joints(sample.joints[0], 'canonical', 'msra21')
        return {
            'person': person,
            'gesture': gesture,
            'number': number,
            'joints': rounded((1000 * joints * [1, -1, -1]).reshape(-1), 3),
            'center': rounded(1000 * sample.center[0] * _FLIP, 3),
        }

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """``joint.txt`` of every folder, and centres with every person left out."""
        folders: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for record in records:
            folders.setdefault((record['person'], record['gesture']), []).append(record)
        order = [(p, g) for p in range(PEOPLE) for g in GESTURES if (p, g) in folders]
        for person, gesture in order:
            rows = folders[person, gesture]
            text = f'{len(rows)}\n'.encode() + text_rows([row['joints'] for row in rows])
            write_bytes(self.out / f'P{person}' / gesture / 'joint.txt', text)
        for left_out in sorted({person for person, _ in order}):
            for name, own in (('test', True), ('train', False)):
                rows = [
                    row['center']
                    for folder in order
                    if (folder[0] == left_out) == own
                    for row in folders[folder]
                ]
                path = self.out / f'center_{name}_{left_out}_refined.txt'
                write_bytes(path, text_rows(rows) if rows else b'')
