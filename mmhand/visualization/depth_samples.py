"""Samples of depth data sets as pictures: the crop, its joints, a mesh in them, and its points."""

import cv2
import numpy as np
import torch
from torch import Tensor

from mmhand.cameras import DepthCamera, depth_camera, lift_crop
from mmhand.fitting.joints import JointFitter
from mmhand.renderers.overlay import overlay_mesh
from mmhand.structures import HandDataSample, get_joint_set

from .depth_views import crop_image, point_cloud_views
from .draw import draw_skeleton

#: A crop's pixels are drawn this large.
_ZOOM = 3

#: Joints are annotated about as well as this, metres.
_NOISE = 0.005


def fit_mesh(fitter: JointFitter, joints: np.ndarray, joint_set: str) -> np.ndarray | None:
    """Vertices (V, 3) of a right hand laid into joints (J, 3), metres; ``None`` where they are too few.

    Joints that the set has not are found by the model's own proportions.

    Args:
        fitter: of the hand model.
        joints: not a number where one is not annotated.
        joint_set: their order.
    """
    own, canonical = get_joint_set(joint_set), get_joint_set('canonical')
    target = np.full((1, len(canonical), 3), np.nan)
    for place, name in enumerate(own.joints):
        if name in canonical.joints:
            target[0, canonical.index(name)] = joints[place]
    fitted = fitter.fit(torch.from_numpy(target), torch.zeros(1, dtype=torch.int64))
    vertices = fitted.vertices[0].numpy()
    return vertices if np.isfinite(vertices).all() else None


def mesh_fitter(hand_model: str) -> JointFitter:
    """A fitter of a hand model's name for :func:`fit_mesh`."""
    return JointFitter(dict(type=hand_model), noise=_NOISE, fit_scale=True)


def draw_depth_sample(
    crop: np.ndarray,
    sample: HandDataSample,
    cloud: bool = True,
    fitter: JointFitter | None = None,
) -> np.ndarray:
    """A packed sample of a depth data set.

    Args:
        crop: (S, S) normalised depth.
        sample: with ``gt_hands`` and the crop's metainfo.
        cloud: add the crop's points and joints from three sides.
        fitter: draw the mesh, too: the sample's own, or one laid into its joints.

    Returns:
        (3 S, W, 3) uint8 RGB: the crop with joints, with the mesh, and the points' views.
    """
    meta, hands = sample.metainfo, sample.gt_hands
    plain = cv2.resize(crop_image(crop), None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
    panels = [plain.copy()]
    if 'keypoints_2d' in hands:
        points, valid = (hands[key][0].numpy() for key in ('keypoints_2d', 'keypoint_valid'))
        draw_skeleton(panels[0], _ZOOM * points, valid, joint_set=meta['joint_set'])
    joints = hands.keypoints_3d[0].numpy() if 'keypoints_3d' in hands else None
    camera = _camera(meta)
    if camera is None:
        return panels[0]
    affine = np.float64(meta['crop_affine'])
    shown = joints
    if fitter is not None and joints is not None:
        known = hands.keypoint_valid[0].numpy() > 0 if 'keypoint_valid' in hands else True
        marked = np.where(np.broadcast_to(known, len(joints))[:, None], joints, np.nan)
        vertices = fit_mesh(fitter, marked, meta['joint_set'])
        if vertices is not None:
            panels.append(_with_mesh(plain, vertices, fitter.hand_models[0].faces, affine, camera))
            shown = vertices
    if cloud:
        center, cube = (np.float64(meta[key])[None] for key in ('crop_center', 'crop_cube'))
        (points,) = lift_crop(np.float64(crop)[None, None], center, cube, affine[None], camera)
        size, span = len(plain), float(cube[0, 0])
        panels.append(point_cloud_views(points * cube / 2 + center, shown, size=size, span=span))
    return np.concatenate(panels, axis=1)


def _camera(meta: dict) -> DepthCamera | None:
    name = meta.get('depth_camera')
    try:
        return None if name is None else depth_camera(name)
    except ValueError:
        return None


def _with_mesh(
    image: np.ndarray, vertices: np.ndarray, faces: Tensor, affine: np.ndarray, camera: DepthCamera
) -> np.ndarray:
    """A zoomed crop (RGB) with the mesh over it."""
    K = np.diag([_ZOOM, _ZOOM, 1.0]) @ affine @ camera.K
    K[:2, 2] -= 0.5  # pictures are drawn with whole numbers at pixels' middles
    return overlay_mesh(image[..., ::-1], vertices, faces, K, alpha=0.75)[..., ::-1]
