"""ICVL hand posture (Tang et al., CVPR 2014): 16-bit depth of left hands, rows of text."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2

from mmhand.cameras import project_depth
from mmhand.structures import convert_joints

from ..depth_scene import DepthFrame
from .base import SYNTHESIS_WRITERS, rounded
from .depth import DepthWriter, mirrored, text_rows
from .files import write_bytes, write_image

#: Folders of a split's pictures; names of recorded sequences are long.
_FOLDERS = {'train': ('synthetic_seq_1',), 'test': ('test_seq_1', 'test_seq_2')}


@SYNTHESIS_WRITERS.register_module(name='icvl')
class ICVLWriter(DepthWriter):
    """ICVL's layout: ``Depth/SEQUENCE/image_NUMBER.png``, label files of text, and centres."""

    name = camera = 'icvl'
    distance = (0.25, 0.45)
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'test': 0.2}
    defaults: ClassVar[dict[str, Any]] = DepthWriter.depth_defaults('icvl')

    def render(self, split: str, index: int) -> DepthFrame:
        """A left hand."""
        return mirrored(super().render(split, index))

    def _path(self, split: str, index: int) -> str:
        folders = _FOLDERS[split]
        return f'{folders[index % len(folders)]}/image_{index // len(folders):04d}.png'

    def sample_files(self, split: str, sample: DepthFrame) -> dict[str, Path]:
        """The picture."""
        return {'depth': Path('Depth') / self._path(split, sample.index)}

    def write_file(self, kind: str, path: Path, sample: DepthFrame) -> None:
        """16-bit millimetres."""
        write_image(path, sample.depth[0], (cv2.IMWRITE_PNG_COMPRESSION, 3))

    def make_record(self, split: str, sample: DepthFrame) -> dict[str, Any]:
        """A row of the labels and of the centres."""
        joints = convert_joints(sample.joints[0], 'canonical', 'icvl16')
        uvd = project_depth(joints, self.camera) * [1, 1, 1000]
        return {
            'path': self._path(split, sample.index),
            'uvd': rounded(uvd.reshape(-1), 4),
            'center': rounded(1000 * sample.center[0], 3),
        }

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Label files and centres, row by row of one another."""
        files: dict[str, list[str]] = {name: [] for name in _FOLDERS[split]}
        centers: dict[str, list[list[float]]] = {name: [] for name in files}
        for record in records:
            folder = record['path'].split('/')[0]
            numbers = ' '.join(f'{value:.4f}' for value in record['uvd'])
            files[folder].append(f'{record["path"]} {numbers}')
            centers[folder].append(record['center'])
        for folder, lines in files.items():
            name = 'train' if split == 'train' else folder
            write_bytes(self.out / f'{name}.txt', '\n'.join([*lines, '']).encode())
        rows = [row for part in centers.values() for row in part]
        write_bytes(self.out / f'center_{split}_refined.txt', text_rows(rows))
