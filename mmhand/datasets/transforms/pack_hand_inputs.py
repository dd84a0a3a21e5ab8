"""From pipeline results to what a model takes."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData

from mmhand.registry import TRANSFORMS
from mmhand.structures import CANONICAL, HandCamera, HandDataSample, HandInstances

from .pack_depth import pack_depth_crop
from .planes import mask_labels, split_planes

WRIST = CANONICAL.index('wrist')

#: Pipeline keys with one row a hand, and their names in ``gt_hands``.
_FIELDS = {
    'keypoints_3d': 'keypoints_3d',
    'keypoints_2d': 'keypoints_2d',
    'keypoint_valid': 'keypoint_valid',
    'mano_pose': 'pose',
    'mano_betas': 'betas',
    'mano_trans': 'transl',
    'mano_valid': 'mano_valid',
    'vertices': 'vertices',
}

_SIDES = np.arange(2)

META_KEYS = (
    *('img_path', 'sample_id', 'dataset', 'subject', 'capture', 'camera_name', 'frame_idx'),
    *('sequence', 'annotation_id', 'hand_type', 'hand_type_valid', 'root_depth', 'bbox'),
    *('ori_shape', 'img_shape', 'camera', 'flipped', 'hand_model', 'scored', 'toolkit_index'),
    'betas',
    'head_size',
)


@TRANSFORMS.register_module()
class PackHandInputs(BaseTransform):
    """Pack the sample: ``inputs`` (3, H, W) in the image's dtype, BGR, and a ``HandDataSample``.

    ``gt_hands`` has a row for each hand that the hand type says is there, right before left; a hand
    that is there but not annotated has ``keypoint_valid`` 0. ``gt_sem_seg`` has the mask planes
    (4, H, W) uint8, ``depth`` the depth map (1, H, W). Metainfo ``camera`` is a
    :class:`~mmhand.structures.HandCamera`. Crops of :class:`CubeCrop` are packed by
    :func:`.pack_depth.pack_depth_crop`.

    Args:
        meta_keys: pipeline keys that become metainfo where they exist.
        labels: ``gt_sem_seg`` holds class labels, 0 and 1, for mmsegmentation's heads and metrics, not
            masks of 0 to 255.
    """

    needs = ('img', 'img_shape')
    gives = ('inputs',)

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS, labels: bool = False) -> None:
        self.meta_keys = tuple(meta_keys)
        self.labels = labels

    def transform(self, results: dict) -> dict:
        """Pack."""
        if 'crop_affine' in results:
            return pack_depth_crop(results)
        sample = HandDataSample()
        for key in self.meta_keys:
            if key not in results:
                continue
            value = results[key]
            if key == 'camera' and not isinstance(value, HandCamera):
                value = HandCamera.of({'affine': results['affine'], **value})
            # set_metainfo would deep-copy arrays that nobody else holds.
            sample.set_field(value, key, field_type='metainfo')
        if 'camera' not in results and 'affine' in results:
            # Without a camera nothing else leads from the crop back to the picture.
            sample.set_field(results['affine'], 'affine', field_type='metainfo')
        if 'hand_present' in results:
            sample.gt_hands = _hands(results)
        if 'hand_masks' in results:
            masks = results['hand_masks']
            masks = mask_labels(masks) if self.labels else masks
            planes = np.ascontiguousarray(masks.transpose(2, 0, 1))
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(planes))
        if 'depth' in results:
            sample.depth = PixelData(data=torch.from_numpy(results['depth'])[None])
        return dict(inputs=torch.from_numpy(split_planes(results['img'])), data_samples=sample)


def _hands(results: dict) -> HandInstances:
    right, left = (results['hand_present'] > 0).tolist()
    rows = slice(0 if right else 1, 2 if left else 1)
    # Indexing is done by NumPy, whose small operations cost a fraction of torch's.
    fields = {name: results[key][rows] for key, name in _FIELDS.items() if key in results}
    if 'keypoints_3d' in fields:
        fields['root'] = fields['keypoints_3d'][:, WRIST].copy()
    fields['side'] = _SIDES[rows].copy()
    hands = HandInstances()
    for name, field in fields.items():
        # Unlike setting attributes, set_field does not compare lengths, which are right here.
        hands.set_field(torch.from_numpy(field), name)
    return hands
