"""ICVL hand posture (Tang et al., CVPR 2014)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmhand.cameras import unproject_depth
from mmhand.datasets.checks import Column, check_depth_joints, read_lines
from mmhand.datasets.depth_hand_dataset import DepthHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandDataError, HandFileError

_JOINTS = 16

#: Label files of a split: where DSF has them, and in the official archives.
_LABELS = {
    'train': (('train.txt',), ('Training/labels.txt',)),
    'test': (
        ('test_seq_1.txt', 'test_seq_2.txt'),
        ('Testing/test_seq_1.txt', 'Testing/test_seq_2.txt'),
    ),
}
_PICTURES = {'train': ('Depth', 'Training/Depth'), 'test': ('Depth', 'Testing/Depth')}

#: Folders of recorded sequences have longer names than those of turned copies ('0', '22-5').
_ORIGINAL = 6


@DATASETS.register_module()
class ICVLDataset(DepthHandDataset):
    """ICVL: ``Depth/SEQUENCE/image_NUMBER.png`` (16-bit mm) and rows "path u v d ..." of 16 joints.

    ``train.txt``, ``test_seq_1.txt`` and ``test_seq_2.txt`` lie beside ``Depth``, or everything as in
    the official archives (``Training``, ``Testing``). Only recorded sequences are taken, not their
    turned copies. Hands are left: pictures, joints and centres are mirrored. Centres:
    ``center_SPLIT_refined.txt``, y down, a row for each of the label files' rows.

    Args:
        kwargs: see :class:`DepthHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='icvl', joint_set='icvl16')
    SPLITS = ('train', 'test')
    NAME = CAMERA = 'icvl'
    JOINT_SET = 'icvl16'
    MIRRORED = True

    def official_centers(self) -> str:
        """See :class:`DepthHandDataset`."""
        return f'center_{self.split}_refined.txt'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        root = Path(self.data_root)
        for names in _LABELS[self.split]:
            paths = [root / name for name in names]
            if all(path.is_file() for path in paths):
                labels = {f'labels{i}': path for i, path in enumerate(paths)}
                return {**labels, 'centers': self.center_path}
        wanted = ' and '.join(_LABELS[self.split][0])
        raise HandFileError(f"{root} has no {wanted}: data_root must be ICVL's folder with Depth/")

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Table ``frame``: ``path``, ``joints`` (N, 16, 3) metres, ``recorded`` and ``center``."""
        names: list[str] = []
        uvz: list[np.ndarray] = []
        files = [path for role, path in sources.items() if role.startswith('labels')]
        for path in files:
            _read_labels(path, names, uvz)
            progress(path.stat().st_size)
        if not names:
            raise HandDataError(f'{files[0]} is empty')
        folder = self._pictures()
        joints = unproject_depth(np.stack(uvz) / [1, 1, 1000.0], self.CAMERA)
        writer.add_strings('frame', 'path', [f'{folder}/{name}' for name in names])
        check_depth_joints(Column(' and '.join(map(str, files)), 'joints', names), joints)
        writer.add('frame', 'joints', np.float32(self.mirror(joints)))
        recorded = [len(name.split('/')[0]) > _ORIGINAL for name in names]
        writer.add('frame', 'recorded', np.array(recorded))
        self.add_centers(writer, len(names), ' and '.join(map(str, files)), joints)

    def _pictures(self) -> str:
        choices = _PICTURES[self.split]
        there = [name for name in choices if (Path(self.data_root) / name).is_dir()]
        if not there:
            raise HandFileError(f'{self.data_root} has no folder {" or ".join(choices)}')
        return there[0]

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Recorded frames that have a centre.

        Raises:
            HandDataError: there are none.
        """
        rows = super().select_rows(store)
        rows = rows[np.asarray(store['frame']['recorded'])[rows]]
        if not len(rows):
            raise HandDataError(
                f'{self.data_root}: {" and ".join(_LABELS[self.split][0])} name turned copies only, no '
                f'recorded sequence (a folder of more than {_ORIGINAL} characters)'
            )
        return rows

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """See :class:`DepthHandDataset`."""
        return 0.2


def _read_labels(path: Path, names: list[str], uvz: list[np.ndarray]) -> None:
    for number, line in enumerate(read_lines(path, 'rows of a path and numbers'), 1):
        name, *values = line.split() or ['']
        if not name:
            continue
        try:
            row = np.array([float(value) for value in values])
        except ValueError:
            row = np.zeros(0)
        if row.size != 3 * _JOINTS:
            raise HandDataError(
                f'{path}: row {number} has {len(values)} values, expected a path and {3 * _JOINTS} '
                'numbers'
            )
        names.append(name)
        uvz.append(row.reshape(_JOINTS, 3))
