"""NYU hand pose (Tompson et al., ToG 2014): three views, depth in two bytes, a MATLAB file."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import scipy.io

from mmhand.cameras import project_depth
from mmhand.structures import get_joint_set

from ..depth_scene import DepthFrame
from .base import SYNTHESIS_WRITERS, rounded
from .depth import DepthWriter, text_rows
from .files import write_bytes, write_image

_FLIP = np.array([1.0, -1.0, 1.0])


@SYNTHESIS_WRITERS.register_module(name='nyu')
class NYUWriter(DepthWriter):
    """NYU's layout: ``SPLIT/depth_VIEW_NUMBER.png``, ``SPLIT/joint_data.mat``, centres beside them.

    ``joint_data.mat`` has all 36 points; those that our hand has not lie at the wrist.
    ``center_SPLIT_VIEW_refined.txt`` holds what a detector would say: the joints' mean, some millimetres
    off. In NYU's own set the second person of the test has a cube of 208 mm; here test frames from 2440
    on have, too, as every reader expects.
    """

    name = camera = 'nyu'
    distance = (0.5, 1.0)
    num_views = 3
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'test': 0.2}
    defaults: ClassVar[dict[str, Any]] = DepthWriter.depth_defaults('nyu')

    def sample_files(self, split: str, sample: DepthFrame) -> dict[str, Path]:
        """A picture of each view."""
        return {
            f'view{view}': Path(split) / f'depth_{view + 1}_{sample.index + 1:07d}.png'
            for view in range(self.num_views)
        }

    def write_file(self, kind: str, path: Path, sample: DepthFrame) -> None:
        """Green is the high byte, blue the low one."""
        depth = sample.depth[int(kind[-1])]
        picture = np.zeros((*depth.shape, 3), np.uint8)
        picture[..., 0], picture[..., 1] = depth & 255, depth >> 8
        write_image(path, picture, (cv2.IMWRITE_PNG_COMPRESSION, 3))

    def make_record(self, split: str, sample: DepthFrame) -> dict[str, Any]:
        """Joints and centres of all views, millimetres, y down."""
        return {
            'joints': [rounded(1000 * points, 4) for points in sample.joints],
            'center': rounded(1000 * sample.center, 3),
        }

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """``joint_data.mat`` and the files of centres."""
        joints, centers = [], []
        for record in records:
            joints.append(record['joints'])
            centers.append(record['center'])
        points = _nyu_points(np.array(joints, np.float64)).swapaxes(0, 1)
        stream = io.BytesIO()
        content = {'joint_xyz': points * _FLIP, 'joint_uvd': project_depth(points, 'nyu')}
        scipy.io.savemat(stream, content, do_compression=True)
        write_bytes(self.out / split / 'joint_data.mat', stream.getvalue())
        for view in range(self.num_views):
            rows = [row[view] for row in centers]
            write_bytes(self.out / f'center_{split}_{view}_refined.txt', text_rows(rows))


def _nyu_points(joints: np.ndarray) -> np.ndarray:
    """NYU's 36 points (..., 36, 3) of canonical joints (..., 21, 3)."""
    canonical = get_joint_set('canonical')
    wrist = joints[..., canonical.index('wrist'), :]
    middle = joints[..., canonical.index('middle1'), :]
    own = {'wrist_b': wrist, 'palm': (wrist + middle) / 2}
    points = [
        own[name]
        if name in own
        else joints[..., canonical.index(name), :]
        if name in canonical.joints
        else wrist
        for name in get_joint_set('nyu36').joints
    ]
    return np.stack(points, axis=-2)
