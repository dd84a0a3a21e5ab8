"""What data sets of depth pictures with one hand have in common."""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.structures import convert_joints, joint_indices
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

from .depth_centers import read_centers

CENTERS = ('auto', 'published', 'depth', 'joints')


class DepthHandDataset(BaseHandDataset):
    """Depth pictures of one hand, each with the cube that a crop shows.

    Pipeline keys of a sample, metres, camera frame with y down, of a right hand (sets of left hands are
    mirrored: joints, centres and, by ``mirrored``, the picture): ``img_path``, ``depth_format``,
    ``mirrored``, ``sample_id``, ``dataset``, ``camera`` (a name in
    :data:`~mmhand.cameras.DEPTH_CAMERAS`), ``keypoints_3d`` (J, 3) in the order ``joint_set``,
    ``keypoint_valid`` (J,), ``crop_center`` (3,), or ``None`` where :class:`.transforms.CubeCrop` is to
    find it, ``center_source``, ``crop_cube`` (3,).

    Args:
        data_root: folder of the set.
        split: one of the class's ``SPLITS``.
        joint_set: order of the joints; by default the benchmark's own.
        centers: where the middles of crops come from: ``'published'`` (the file that methods share),
            ``'depth'`` (the nearest thing of a hand's size), ``'joints'`` (the mean of the annotated
            joints, which gives labels away), or ``'auto'``: published if the file is there, else depth.
            The log says which.
        center_file: the published file, relative to ``data_root``; by default the official name.
        centers_y_up: whether y points up in it; by default as in the official file.
        cube: edge of the cube, metres; by default the benchmark's rule.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    #: Name in DEPTH_CAMERAS, format of the pictures, order in the store, and whether sides are turned.
    CAMERA = ''
    DEPTH_FORMAT = 'mm'
    JOINT_SET = 'canonical'
    STORED_JOINTS = ''
    MIRRORED = False
    CENTERS_Y_UP = False
    NAME = ''

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        joint_set: str | None = None,
        centers: str = 'auto',
        center_file: str | None = None,
        centers_y_up: bool | None = None,
        cube: float | None = None,
        **kwargs: Any,
    ) -> None:
        if centers not in CENTERS:
            raise HandConfigError(f'centers is "{centers}", not one of {", ".join(CENTERS)}')
        if cube is not None and (
            isinstance(cube, bool) or not isinstance(cube, int | float) or not 0 < cube < math.inf
        ):
            raise HandConfigError(f'cube is the edge of a cube in metres, not {cube!r}')
        self.joint_set = joint_set or self.JOINT_SET
        self.centers = centers
        self.center_file = center_file
        self.centers_y_up = self.CENTERS_Y_UP if centers_y_up is None else centers_y_up
        self.cube = cube
        # Fails here, not at the first sample, where the set has not the joints asked for.
        joint_indices(self.STORED_JOINTS or self.JOINT_SET, self.joint_set)
        super().__init__(data_root=data_root, split=split, **kwargs)
        self._metainfo.update(joint_set=self.joint_set, camera=self.CAMERA)

    def official_centers(self) -> str:
        """Name of the published file of centres, relative to ``data_root``."""
        raise NotImplementedError

    @cached_property
    def center_path(self) -> Path | None:
        """The file of centres that is used; ``None``: none.

        Raises:
            HandFileError: it is wanted and missing.
        """
        if self.centers in ('depth', 'joints'):
            return None
        path = Path(self.data_root) / (self.center_file or self.official_centers())
        if path.is_file():
            return path
        if self.centers == 'published' or self.center_file:
            raise HandFileError(
                f"{path} is missing: take it from the release of the method, or crop by centers='depth'"
            )
        return None

    @property
    def center_source(self) -> str:
        """``'published'``, ``'depth'`` or ``'joints'``."""
        if self.centers == 'joints':
            return 'joints'
        return 'depth' if self.center_path is None else 'published'

    @property
    def store_name(self) -> str:
        """See :class:`BaseHandDataset`; stores with other axes of centres are others."""
        up = '_yup' if self.center_path is not None and self.centers_y_up else ''
        return f'{super().store_name}{up}'

    def full_init(self) -> None:
        """Open the annotations, and say where the centres of crops come from."""
        if self._fully_initialized:
            return
        super().full_init()
        source = {
            'published': f'from {self.center_path}',
            'depth': "found in the depth, the nearest thing of a hand's size",
            'joints': 'means of the annotated joints, which no method has at test',
        }[self.center_source]
        print_log(
            f'{self.NAME} {self.split}: {len(self.rows)} frames, crop centres {source}',
            logger='current',
        )

    def add_centers(
        self, writer: StoreWriter, count: int, frames: str, joints: np.ndarray | None
    ) -> None:
        """Write column ``frame.center``, where there is a file; see :func:`read_centers`."""
        if self.center_path is None:
            return
        centers = read_centers(self.center_path, count, frames, self.centers_y_up, joints)
        writer.add('frame', 'center', self.mirror(centers))

    def mirror(self, points: np.ndarray) -> np.ndarray:
        """Camera-frame points of the file as those of a right hand."""
        return points * [-1.0, 1.0, 1.0] if self.MIRRORED else points

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Frames that have a centre.

        Raises:
            HandDataError: none has.
        """
        frame = store['frame']
        if 'center' not in frame:
            return np.arange(frame.rows)
        rows = np.flatnonzero(np.isfinite(frame['center']).all(1))
        if not len(rows):
            raise HandDataError(
                f"{self.center_path or self.data_root} has a centre for no frame: take centers='depth'"
            )
        return rows

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """Edge of a frame's cube by the benchmark's rule, metres."""
        raise NotImplementedError

    def image_of(self, store: AnnotationStore, row: int) -> str:
        """Picture of a frame, relative to ``data_root``."""
        return store['frame']['path'][row]

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See the class."""
        frame = store['frame']
        path = self.image_of(store, row)
        info: dict[str, Any] = dict(
            img_path=str(Path(self.data_root) / path),
            depth_format=self.DEPTH_FORMAT,
            mirrored=self.MIRRORED,
            sample_id=path,
            dataset=self.NAME,
            camera=self.CAMERA,
            hand_type='right',
            frame_idx=row,
            joint_set=self.joint_set,
            center_source=self.center_source,
            crop_cube=np.full(3, self.cube or self.cube_of(store, row)),
            crop_center=None,
        )
        if 'center' in frame:
            info['crop_center'] = np.array(frame['center'][row])
        if 'joints' in frame:
            joints = np.array(frame['joints'][row])
            valid = np.isfinite(joints).all(-1)
            if self.center_source == 'joints' and valid.any():
                info['crop_center'] = joints[valid].mean(0).astype(np.float64)
            info.update(self.read_joints(np.nan_to_num(joints), valid))
        if 'subject' in frame:
            info['subject'] = frame['subject'][row]
        return info

    def read_joints(self, joints: np.ndarray, valid: np.ndarray) -> Mapping[str, np.ndarray]:
        """``keypoints_3d`` and ``keypoint_valid`` of the stored joints, in the order asked for."""
        stored = self.STORED_JOINTS or self.JOINT_SET
        return dict(
            keypoints_3d=convert_joints(joints, stored, self.joint_set).astype(np.float32),
            keypoint_valid=convert_joints(valid, stored, self.joint_set, axis=-1).astype(
                np.float32
            ),
        )
