"""The crop at the picture's own resolution."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandConfigError, HandDataError

from .geometry import CROP_BOX, warp_geometry
from .mirror_hands import mirror_hands

MODES = ('box', 'picture')


@TRANSFORMS.register_module()
class CutHandBox(BaseTransform):
    """Cut the box out of the picture pixel by pixel, black where it leaves the picture.

    As PIL cuts: each side of the box is rounded by itself, halves to even, so that width and height of a
    square may differ by a pixel (docs/en/methods/iahm.md#crops-and-colours). Colours can then be changed
    before anything is resized; :class:`ResizeHandCrop` does the rest. A flip (``MirrorLeftHand``)
    mirrors the crop and all that knows sides; boxes that are turned cannot be cut.

    Required keys: ``img``, ``bbox_center``, ``bbox_size``, ``bbox_rotation``, ``bbox_flip``. Modified:
    ``img``, ``img_shape``, ``hand_masks``, ``depth``, ``keypoints_2d``, ``affine``, ``camera``; with a
    flip all that knows sides.

    Args:
        mode: ``'box'``, or ``'picture'``: keep all of it, for data sets whose pictures are crops.

    Raises:
        HandConfigError: unknown mode.
        HandDataError: the box has no pixel, is not finite or turned; names the sample.
    """

    needs = ('img', *CROP_BOX)
    gives = ('img',)
    on_pictures = {'mode': 'box'}

    def __init__(self, mode: str = 'box') -> None:
        if mode not in MODES:
            raise HandConfigError(f'CutHandBox mode is "{mode}", not one of {", ".join(MODES)}')
        self.mode = mode

    def transform(self, results: dict) -> dict:
        """Cut."""
        if self.mode == 'box':
            self._cut_out(results)
        if results['bbox_flip']:
            _flip(results)
        return results

    def _cut_out(self, results: dict) -> None:
        left, top, right, bottom = self._sides(results)
        results['img'] = cut(results['img'], left, top, right, bottom)
        for key in ('hand_masks', 'depth'):
            if key in results:
                results[key] = cut(results[key], left, top, right, bottom)
        results['img_shape'] = bottom - top, right - left
        warp_geometry(results, np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]]))

    @staticmethod
    def _sides(results: dict) -> list[int]:
        name = results.get('sample_id')
        if results['bbox_rotation']:
            raise HandDataError(
                f'sample {name}: a turned box cannot be cut out; use HandTopdownAffine'
            )
        center, size = results['bbox_center'], results['bbox_size']
        sides = np.concatenate([center - size / 2, center + size / 2])
        # A box a hundred times the picture is a mistake and would not fit into memory.
        if not np.isfinite(sides).all() or size.max() > 100 * max(results['img_shape']):
            raise HandDataError(
                f'sample {name}: box {sides.tolist()} is not finite or far too large'
            )
        left, top, right, bottom = (round(side) for side in sides.tolist())
        if right <= left or bottom <= top:
            raise HandDataError(f'sample {name}: box {sides.tolist()} holds no pixel')
        return [left, top, right, bottom]


def _flip(results: dict) -> None:
    for key in ('img', 'hand_masks', 'depth'):
        if key in results:
            results[key] = np.ascontiguousarray(results[key][:, ::-1])
    width = results['img_shape'][1]
    warp_geometry(results, np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]]))
    # The box stays that of the original picture.
    mirror_hands(results, pixels=False)


def cut(picture: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """The pixels from ``left`` to before ``right``, ``top`` to before ``bottom``; black outside."""
    height, width = picture.shape[:2]
    out = np.zeros((bottom - top, right - left, *picture.shape[2:]), picture.dtype)
    rows = slice(max(top, 0), max(min(bottom, height), 0))
    columns = slice(max(left, 0), max(min(right, width), 0))
    inside = picture[rows, columns]
    y, x = rows.start - top, columns.start - left
    out[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return out
