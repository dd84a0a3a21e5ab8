"""NYU hand pose (Tompson et al., ToG 2014): three depth views of one hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from mmhand.datasets.checks import Column, check_depth_joints
from mmhand.datasets.depth_hand_dataset import DepthHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.structures import get_joint_set, joint_indices
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

_VIEWS, _JOINTS = 3, 36

#: The training split has 72757.
_MAX_FRAMES = 1_000_000

#: The second person of the test set, whose hand is smaller, from this frame on.
_SECOND_PERSON = 2440

_CUBE, _SMALL_CUBE = 0.25, 0.25 * 5 / 6

#: Frames of the official splits.
OFFICIAL_COUNTS = {'train': 72757, 'test': 8252}


@DATASETS.register_module()
class NYUDataset(DepthHandDataset):
    """NYU in its official layout: ``SPLIT/joint_data.mat`` and ``SPLIT/depth_VIEW_NUMBER.png``.

    Pictures are 8-bit PNGs with depth in two bytes. ``joint_set`` is one of the order of 36 annotated
    points: ``nyu14`` (what is evaluated), ``nyu36``, ``nyu23``, or ``canonical`` and other orders of 21
    joints; in those the wrist is the one on the other side of the evaluated, as the release's
    diagnostics have it. The cube is 250 mm; 208.33 mm from test frame 2440 on, the second person.

    Centres: ``center_SPLIT_VIEW_refined.txt`` (views from 0), y down, as DSF publishes them. Those of
    V2V and AWR are the same with y up.

    Args:
        view: camera, 0 to 2; training and the published numbers use 0.
        kwargs: of :class:`DepthHandDataset`.

    Raises:
        HandConfigError: no such view.
        HandFileError: ``joint_data.mat`` is missing.
    """

    METAINFO: dict = dict(dataset_name='nyu', joint_set='nyu14')
    SPLITS = ('train', 'test')
    NAME = CAMERA = DEPTH_FORMAT = 'nyu'
    JOINT_SET, STORED_JOINTS = 'nyu14', 'nyu36'

    def __init__(
        self, data_root: str = '', split: str = 'train', view: int = 0, **kwargs: Any
    ) -> None:
        if isinstance(view, bool) or view not in range(_VIEWS):
            raise HandConfigError(f'view is {view!r}; NYU has views 0, 1 and 2 (files 1, 2 and 3)')
        self.view = int(view)
        super().__init__(data_root=data_root, split=split, **kwargs)

    @property
    def store_name(self) -> str:
        """See :class:`BaseHandDataset`."""
        return f'{super().store_name}_view{self.view}'

    def official_centers(self) -> str:
        """See :class:`DepthHandDataset`."""
        return f'center_{self.split}_{self.view}_refined.txt'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        path = Path(self.data_root) / self.split / 'joint_data.mat'
        if not path.is_file():
            raise HandFileError(
                f"{path} is missing: data_root must be NYU's folder with train/ and test/, each with "
                'joint_data.mat and depth_1_0000001.png'
            )
        return {'joints': path, 'centers': self.center_path}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Table ``frame``: ``joints`` (N, 36, 3) metres, y down, and ``center``."""
        path = sources['joints']
        xyz = _read_joints(path)[self.view]
        progress(path.stat().st_size)
        joints = np.float32(xyz * np.array([1, -1, 1]) / 1000.0)
        writer.add('frame', 'joints', joints)
        chosen = joints[:, joint_indices('nyu36', 'nyu14')]
        self.add_centers(writer, len(joints), f'view {self.view} of {path}', chosen)

    def image_of(self, store: AnnotationStore, row: int) -> str:
        """See :class:`DepthHandDataset`."""
        return f'{self.split}/depth_{self.view + 1}_{row + 1:07d}.png'

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """See the class."""
        second = self.split == 'test' and row >= _SECOND_PERSON
        return _SMALL_CUBE if second else _CUBE

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`DepthHandDataset`; ``view`` besides."""
        info = super().read_row(store, row)
        if self.center_source == 'joints':
            # Of the hand alone: the 36 points have the arm, too.
            info['crop_center'] = _middle(store['frame']['joints'][row])
        info['view'] = self.view
        return info

    def read_joints(self, joints: np.ndarray, valid: np.ndarray) -> Mapping[str, np.ndarray]:
        """See :class:`DepthHandDataset`."""
        if 'wrist_b' not in _names(self.joint_set) and 'pinky3' in _names(self.joint_set):
            # Orders of 21 joints take the wrist's other side.
            wrist, other = joint_indices('nyu36', 'nyu14')[11:13]
            joints, valid = joints.copy(), valid.copy()
            joints[wrist], valid[wrist] = joints[other], valid[other]
        return super().read_joints(joints, valid)


def _names(joint_set: str) -> tuple[str, ...]:
    return get_joint_set(joint_set).joints


def _middle(joints: np.ndarray) -> np.ndarray:
    return np.asarray(joints[list(joint_indices('nyu36', 'nyu14'))], np.float64).mean(0)


def _read_joints(path: Path) -> np.ndarray:
    """(3, N, 36, 3) millimetres, y up."""
    try:
        # What it says first: a small file can inflate to anything.
        shapes = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
        shape = shapes.get('joint_xyz')
        good = shape is not None and len(shape) == 4 and shape[0] == _VIEWS
        if good and shape[2:] == (_JOINTS, 3) and shape[1] <= _MAX_FRAMES:
            joints = scipy.io.loadmat(path, variable_names=['joint_xyz'])['joint_xyz']
        else:
            joints = None
    except Exception as error:  # a broken file can fail in any way
        reason = ' '.join(str(error).split())[:200]
        raise HandDataError(
            f'{path} is no MATLAB file that can be read: {reason}; copy it again'
        ) from None
    if joints is None:
        raise HandDataError(
            f'{path}: "joint_xyz" is {"missing" if shape is None else f"of shape {shape}"}, expected '
            f'({_VIEWS}, frames, {_JOINTS}, 3)'
        )
    joints = np.asarray(joints)
    if joints.dtype.kind not in 'fiu' or not np.isfinite(joints).all():
        raise HandDataError(f'{path}: "joint_xyz" holds something else than finite numbers')
    if np.median(joints[..., 2]) < 20:
        raise HandDataError(f'{path}: joints are in metres, expected the official millimetres')
    check_depth_joints(Column(path, 'joint_xyz', lambda row: f'view {row}'), joints / 1000.0)
    return joints
