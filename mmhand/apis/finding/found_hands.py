"""What a finder says about the hands of one picture."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class FoundHands:
    """N hands of one picture, the surest first; arrays, all float32 unless said.

    Attributes:
        bboxes: (N, 4) xywh around the joints, pixels of the picture; may leave it.
        sides: (N,) int64, 0 right, 1 left, of an unmirrored picture.
        scores: (N,) how sure it is that there is this hand, in [0, 1].
        right_scores: (N,) how sure it is a right hand, in [0, 1].
        keypoints_2d: (N, 21, 2) pixels of the picture, canonical order.
        keypoint_scores: (N, 21) how well several crops agree on each joint, in (0, 1].
        keypoints_3d: (N, 21, 3) metres, axes of the camera frame (x right, y down, z forward), wrist at
            zero. The network's own scale: an average hand, not this one.
        affines: (N, 2, 3) picture to the turned crop of ``crop_size`` that the hand was read from.
        crop_size: side of that crop, pixels.
    """

    bboxes: np.ndarray
    sides: np.ndarray
    scores: np.ndarray
    right_scores: np.ndarray
    keypoints_2d: np.ndarray
    keypoint_scores: np.ndarray
    keypoints_3d: np.ndarray
    affines: np.ndarray
    crop_size: int = 224

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: np.ndarray | slice | list[int]) -> 'FoundHands':
        """Some of the hands, by anything that indexes an axis and keeps it."""
        names = ('bboxes', 'sides', 'scores', 'right_scores', 'keypoints_2d', 'keypoint_scores')
        picked = {name: getattr(self, name)[rows] for name in (*names, 'keypoints_3d', 'affines')}
        return FoundHands(**picked, crop_size=self.crop_size)
