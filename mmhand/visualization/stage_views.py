"""What a pipeline saw on its way: HDR's crops, masks, holes and restored hands."""

import cv2
import numpy as np
from mmengine.structures import BaseDataElement

from mmhand.structures import HAND_MASK_PLANES, crop_affine, transform_points

from .draw import SIDE_COLOURS, SIDE_NAMES, draw_masks, draw_skeleton, join_panels
from .sample_view import image_keypoints, present, sides_of, to_numpy

#: Side of a panel, pixels: small crops are enlarged to it.
_PANEL = 256

_HOLE = (255, 0, 200)


def draw_stages(sample: BaseDataElement) -> np.ndarray | None:
    """A row for each hand: its crop, its masks, the hole, the restored hand, and its joints.

    Args:
        sample: with ``pred_hands`` (``bbox`` of the crops, ``keypoints_2d``), ``pred_sem_seg`` and
            ``pred_fields`` with ``{right,left}_{crop,hole,restored}``, as
            :class:`~mmhand.models.estimators.HDR` fills it.

    Returns:
        One RGB picture; ``None`` if the sample has no such pictures.
    """
    fields, hands = sample.get('pred_fields'), sample.get('pred_hands')
    if fields is None or hands is None or 'right_restored' not in fields:
        return None
    masks = to_numpy(sample.pred_sem_seg.data)
    placed = image_keypoints(hands, sample)
    rows = []
    for row, side in enumerate(sides_of(hands)):
        name = SIDE_NAMES[side]
        crop, hole, restored = (
            to_numpy(fields.get(f'{name}_{kind}')).transpose(1, 2, 0)
            for kind in ('crop', 'hole', 'restored')
        )
        zoom = _PANEL / len(crop)
        affine = crop_affine(to_numpy(hands.bbox[row]).astype(np.float64), (_PANEL, _PANEL))
        planes = [
            cv2.warpAffine(
                masks[HAND_MASK_PLANES.index(f'{name}_{kind}')].astype(np.uint8),
                affine,
                (_PANEL, _PANEL),
                flags=cv2.INTER_NEAREST,
            )
            for kind in ('amodal', 'visible')
        ]
        crop, restored = (_enlarged(picture, zoom) for picture in (crop, restored))
        hole = _enlarged(hole, zoom)[None]
        title = f'{name} hand' if present(hands)[row] else f'{name} hand: not found'
        panels = {title: crop}
        for kind, plane in zip(('whole', 'visible'), planes, strict=True):
            panels[kind] = draw_masks(crop, plane[None], [SIDE_COLOURS[side]], 0.6)
        panels['hole'] = draw_masks(crop, hole, [_HOLE], 0.8)
        panels['restored'] = restored
        panels['joints'] = restored.copy()
        if placed is not None:
            points = transform_points(placed[0][row], affine)
            draw_skeleton(panels['joints'], points, side=int(side))
        rows.append(join_panels(list(panels.values()), list(panels)))
    return np.concatenate(rows)


def _enlarged(picture: np.ndarray, zoom: float) -> np.ndarray:
    size = (_PANEL, _PANEL)
    smooth = cv2.INTER_LINEAR if picture.ndim == 3 and picture.shape[2] == 3 else cv2.INTER_NEAREST
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if zoom < 1 else smooth)
