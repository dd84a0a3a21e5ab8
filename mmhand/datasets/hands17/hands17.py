"""HANDS 2017 challenge (Yuan et al.): BigHand2.2M and first-person hands."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmhand.datasets.checks import Column, check_depth_joints, read_lines
from mmhand.datasets.depth_hand_dataset import DepthHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandDataError, HandFileError

_JOINTS = 21

#: Annotations and pictures of a split; those of test frames were never published with the set.
_FILES = {
    'train': ('training/Training_Annotation.txt', 'training/images'),
    'test': ('frame/test_annotation_frame.txt', 'frame/images'),
}


@DATASETS.register_module()
class HANDS17Dataset(DepthHandDataset):
    """HANDS 2017: ``training/images/*.png`` (16-bit mm) and rows "name x y z ..." of 21 joints, mm.

    The challenge's centres were never published; crops are found in the depth, or by the joints.

    Args:
        kwargs: see :class:`DepthHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='hands17', joint_set='canonical')
    SPLITS = ('train', 'test')
    NAME, CAMERA = 'hands17', 'hands'
    JOINT_SET, STORED_JOINTS = 'canonical', 'hands2017'

    def official_centers(self) -> str:
        """See :class:`DepthHandDataset`."""
        return f'center_{self.split}_refined.txt'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        path = Path(self.data_root) / _FILES[self.split][0]
        if not path.is_file():
            raise HandFileError(f"{path} is missing: data_root must be HANDS 2017's folder")
        return {'labels': path, 'centers': self.center_path}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Table ``frame``: ``path``, ``joints`` (N, 21, 3) metres and ``center``."""
        path = sources['labels']
        names, rows = [], []
        for number, line in enumerate(read_lines(path, 'rows of a name and numbers'), 1):
            words = line.split()
            if not words:
                continue
            try:
                row = np.array(words[1:], np.float64).reshape(_JOINTS, 3)
            except ValueError:
                raise HandDataError(
                    f'{path}: row {number} has {len(words) - 1} values, expected {3 * _JOINTS} numbers'
                ) from None
            names.append(f'{_FILES[self.split][1]}/{words[0]}')
            rows.append(row / 1000.0)
        progress(path.stat().st_size)
        if not rows:
            raise HandDataError(f'{path} is empty')
        joints = np.stack(rows)
        check_depth_joints(Column(path, 'joints', names), joints)
        writer.add_strings('frame', 'path', names)
        writer.add('frame', 'joints', np.float32(joints))
        self.add_centers(writer, len(joints), str(path), joints)

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """See :class:`DepthHandDataset`."""
        return 0.25
