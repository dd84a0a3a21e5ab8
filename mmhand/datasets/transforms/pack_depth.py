"""From a depth crop to what DSF takes."""

from collections.abc import Mapping

import numpy as np
import torch
from mmengine.structures import PixelData

from mmhand.structures import HandCamera, HandDataSample, HandInstances
from mmhand.structures.hand_camera import DepthCube

from .cube_crop import camera_of

#: Metainfo of depth crops besides the usual.
DEPTH_META_KEYS = (
    *('img_path', 'sample_id', 'dataset', 'subject', 'frame_idx', 'sequence', 'view', 'hand_type'),
    *('ori_shape', 'img_shape', 'joint_set', 'center_source', 'scored', 'toolkit_index'),
)


def pack_depth_crop(results: Mapping) -> dict:
    """``inputs`` (1, 128, 128) float32, and a sample.

    ``gt_hands`` has one right hand with ``keypoints_3d`` (1, J, 3) metres, ``keypoints_2d`` (1, J, 2)
    crop pixels, ``keypoints_uvd``, ``keypoints_cube`` and ``keypoint_valid``, in the order of metainfo
    ``joint_set``; ``depth`` is the crop. Metainfo ``crop_center``, ``crop_cube`` (3,) metres,
    ``crop_affine`` (3, 3), ``depth_camera`` (the name) and ``camera``.
    """
    sample = HandDataSample()
    for key in DEPTH_META_KEYS:
        if key in results:
            sample.set_field(results[key], key, field_type='metainfo')
    image = torch.from_numpy(np.ascontiguousarray(results['img']))[None]
    cube = {key: np.float32(results[key]) for key in ('crop_center', 'crop_cube', 'crop_affine')}
    camera = camera_of(results)
    placed = HandCamera(
        K=camera.K.astype(np.float32),
        affine=cube['crop_affine'][:2],
        cube=DepthCube(cube['crop_center'], cube['crop_cube']),
    )
    sample.set_metainfo(dict(cube, depth_camera=camera.name, camera=placed))
    hands = HandInstances(side=torch.zeros(1, dtype=torch.int64))
    if 'keypoints_uvd' in results:
        uvd = results['keypoints_uvd']
        fields = dict(
            keypoints_3d=np.float32(results['keypoints_3d']),
            keypoints_2d=(uvd[:, :2] + 1) * (image.shape[-1] / 2),
            keypoints_uvd=uvd,
            keypoints_cube=results['keypoints_cube'],
            keypoint_valid=np.float32(results.get('keypoint_valid', np.ones(len(uvd)))),
        )
        for name, value in fields.items():
            hands.set_field(torch.from_numpy(np.ascontiguousarray(value))[None], name)
    sample.gt_hands = hands
    sample.depth = PixelData(data=image)
    return dict(inputs=image, data_samples=sample)
