"""One hand of a picture, for estimators of single hands."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures.bbox import bbox_from_points
from mmhand.structures.hand_masks import HAND_MASK_PLANES
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError

from .random_state import worker_random_state


@TRANSFORMS.register_module()
class SelectHand(BaseTransform):
    """Go on with one hand: it alone stays present, and the box becomes its own.

    The box is that of the hand's amodal mask where masks are loaded, as HDR's pipeline cuts hands
    out (methods/hdr.md#crops-and-masks), and otherwise that of its annotated 2D joints, enlarged
    to about that size.

    Required keys: ``keypoints_2d``, ``keypoint_valid``, ``hand_present``. Modified: ``bbox``,
    ``hand_type``, ``hand_present``, ``keypoint_valid``. Added: ``bbox_is_crop`` (``False``).

    Args:
        side: ``'right'``, ``'left'``, or ``'random'`` among the annotated ones; with one hand in
            the picture that one.
        joint_scale: enlargement of a box around joints: flesh reaches beyond them.

    Raises:
        HandConfigError: unknown side.
        HandDataError: the sample has no such hand with two annotated joints or more.
    """

    needs = ('keypoints_2d', 'keypoint_valid', 'hand_present')
    gives = ('bbox', 'bbox_is_crop')

    def __init__(self, side: str = 'random', joint_scale: float = 1.15) -> None:
        if side not in (*SIDES, 'random'):
            raise HandConfigError(f'SelectHand takes side right, left or random, not {side!r}')
        self.side = side
        self.joint_scale = joint_scale

    def candidates(self, results: dict) -> Sequence[int]:
        """Sides (0 right, 1 left) that can be asked for."""
        known = (results['keypoint_valid'] > 0).sum(1) > 1
        return np.flatnonzero(known & (results['hand_present'] > 0))

    def transform(self, results: dict) -> dict:
        """Choose and narrow down."""
        sides = self.candidates(results)
        if self.side != 'random' and len(sides) > 1:
            sides = [SIDES.index(self.side)]
        if not len(sides):
            raise HandDataError(f'sample {results.get("sample_id")} has no annotated hand')
        # One draw whatever the sample, so that the hands of others do not depend on it.
        side = int(sides[int(worker_random_state().random_sample() * len(sides))])
        results['bbox'] = self._box(results, side)
        results['bbox_is_crop'] = False
        results['hand_type'] = SIDES[side]
        only = np.zeros(2, np.float32)
        only[side] = 1
        results['hand_present'] = only
        results['keypoint_valid'] = results['keypoint_valid'] * only[:, None]
        return results

    def _box(self, results: dict, side: int) -> np.ndarray:
        if 'hand_masks' in results:
            plane = HAND_MASK_PLANES.index(f'{SIDES[side]}_amodal')
            rows, columns = np.nonzero(results['hand_masks'][..., plane])
            if len(rows) and np.ptp(rows) and np.ptp(columns):
                low = np.array([columns.min(), rows.min()])
                extent = np.array([columns.max(), rows.max()]) - low
                return np.concatenate([low, extent]).astype(np.float32)
        box = bbox_from_points(
            results['keypoints_2d'][side], results['keypoint_valid'][side] > 0, self.joint_scale
        )
        return np.asarray(box, np.float32)
