"""A hand from one depth picture."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import nn

from mmhand.cameras import DepthCamera, depth_camera
from mmhand.datasets.transforms import CubeCrop, PackHandInputs
from mmhand.renderers import DepthCropRenderer
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError

#: Times a hand is read whose place nobody states; each crop lies about the joints of the one before.
_PASSES = 3


def set_depth_camera(model: nn.Module, camera: str | DepthCamera) -> None:
    """Let a DSF model look through another camera than it was built for, in place.

    Args:
        model: of class ``DSF``.
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`, or a camera.

    Raises:
        HandConfigError: the model reads no depth.
    """
    if not hasattr(model, 'reader'):
        raise HandConfigError(
            f'{type(model).__name__} reads no depth: take a model of configs/dsf, such as dsf_r18_nyu'
        )
    camera = depth_camera(camera)
    if model.reader.camera != camera:
        device = next(model.parameters()).device
        model.reader.camera = camera
        model.reader.renderer = DepthCropRenderer(camera, row_map='plain').to(device)


def inference_depth(
    model: nn.Module,
    depth: np.ndarray,
    camera: str | DepthCamera,
    center: Sequence[float] | None = None,
    cube: float = 0.25,
    name: str = 'frame',
) -> HandDataSample:
    """Estimate the hand of a depth picture.

    Args:
        model: DSF, see :func:`~mmhand.apis.init_model`; it is set to the camera.
        depth: (H, W) metres, 0 where nothing is seen; of a right hand.
        camera: of the picture.
        center: (3,) middle of the hand, metres, camera frame; ``None``: of the nearest thing of its
            size, then of the hand that is read there, :data:`_PASSES` times in all.
        cube: edge of the crop, metres.
        name: for messages.

    Returns:
        The sample; ``pred_hands`` as DSF fills it, metainfo ``crop_center``, ``crop_affine`` and so on.

    Raises:
        HandDataError: the depth is empty, in millimetres, or shows nothing at the centre.
    """
    set_depth_camera(model, camera)

    def read(center: np.ndarray | None) -> HandDataSample:
        results = dict(
            depth=np.asarray(depth),
            camera=depth_camera(camera),
            crop_center=center,
            crop_cube=np.full(3, float(cube)),
            sample_id=name,
            hand_type='right',
            center_source='given',
        )
        packed = PackHandInputs()(CubeCrop(min_pixels=50)(results))
        with torch.no_grad():
            return model.test_step(pseudo_collate([packed]))[0]

    if center is not None:
        return read(np.asarray(center, np.float64))
    sample = read(None)
    for _ in range(_PASSES - 1):
        middle = sample.pred_hands.keypoints_3d[0].double().mean(0).cpu().numpy()
        try:
            sample = read(middle)
        except HandDataError:  # what was read is where nothing is seen: the first crop was better
            break
        sample.set_metainfo(dict(center_source='depth'))
    return sample
