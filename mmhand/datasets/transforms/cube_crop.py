"""Crops of a cube of space from depth pictures."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.cameras import DepthCamera, crop_affine_cube, crop_bounds, cube_to_uvd, depth_camera
from mmhand.cameras.depth_cube import CROP_SIZE, FOREGROUND
from mmhand.registry import TRANSFORMS
from mmhand.structures import HandCamera
from mmhand.utils.errors import HandConfigError, HandDataError

from .depth_center import hand_center_from_depth

#: The release's arithmetic is in millimetres, whose whole numbers decide what counts as equal.
MM = 1000.0

#: No depth camera of a hand sees further, and no hand's cube is larger, metres.
_FAR, _LARGE = 20.0, 2.0


def camera_of(results: Mapping) -> DepthCamera:
    """The depth camera that a pipeline's results state: a name, a camera, or intrinsics.

    Raises:
        HandConfigError: unknown name.
        HandDataError: none is stated.
    """
    camera = results.get('camera')
    if isinstance(camera, str | DepthCamera):
        return depth_camera(camera)
    camera = HandCamera.of(camera)
    if camera is None:
        raise HandDataError(
            f'{_name(results)} states no camera: give the name of a depth camera, or K'
        )
    K = camera.K.tolist()
    height, width = np.shape(results['depth'])[:2] if 'depth' in results else (480, 640)
    return DepthCamera('given', (K[0][0], K[1][1]), (K[0][2], K[1][2]), (width, height))


def cut_cube(
    depth: np.ndarray, center: np.ndarray, cube: np.ndarray, camera: DepthCamera | str
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the pixels of a cube out of a depth picture and resize them (nearest).

    Args:
        depth: (H, W) millimetres; 0 is nothing.
        center: (3,) float64 of the cube, metres, camera frame.
        cube: (3,) float64 edge lengths, metres.
        camera: the picture's.

    Returns:
        (128, 128) float32 millimetres: what is nearer than the cube is at its near face, what is behind
        it is 0; and (3, 3) from the picture's to the crop's pixels.
    """
    x0, x1, y0, y1 = (int(edge) for edge in crop_bounds(center, cube, camera))
    affine = crop_affine_cube(center, cube, camera)
    crop = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
    width, height = x1 - x0, y1 - y0
    rows, columns = depth.shape
    left, right = max(x0, 0), min(x1, columns)
    top, bottom = max(y0, 0), min(y1, rows)
    if left >= right or top >= bottom:
        return crop, affine
    patch = np.zeros((height, width), np.float32)
    patch[top - y0 : bottom - y0, left - x0 : right - x0] = depth[top:bottom, left:right]
    limit_depth(patch, center, cube)
    size = (CROP_SIZE, int(height * CROP_SIZE / width))
    if width <= height:
        size = (int(width * CROP_SIZE / height), CROP_SIZE)
    patch = cv2.resize(patch, size, interpolation=cv2.INTER_NEAREST)
    x, y = (int(np.floor(CROP_SIZE / 2 - side / 2)) for side in size)
    crop[y : y + size[1], x : x + size[0]] = patch
    return crop, affine


def limit_depth(depth: np.ndarray, center: np.ndarray, cube: np.ndarray) -> None:
    """Bring depth (mm) before a cube (metres) to its near face and take what is behind it away."""
    near, far = (MM * (center[2] + sign * cube[2] / 2) for sign in (-1, 1))
    depth[(depth != 0) & (depth < near)] = near
    depth[depth > far] = 0


def normalise_depth(
    crop: np.ndarray, center: np.ndarray, cube: np.ndarray, farthest: float | None = None
) -> np.ndarray:
    """Depth of a crop over half its cube, in [-1, 1].

    As released, *all* pixels at the crop's greatest depth count as background, with a valid pixel among
    them (methods/dsf.md#quirks-of-the-release).

    Args:
        crop: (128, 128) millimetres; 0 is nothing.
        center, cube: (3,) metres.
        farthest: the greatest depth, of the crop before its augmentation; by default the crop's own.
    """
    farthest = crop.max() if farthest is None else farthest
    middle, half = MM * center[2], MM * cube[2] / 2
    depth = crop.astype(np.float32)
    far = (depth == farthest) | (depth == 0) | (depth >= middle + half)
    depth = np.where(far, middle + half, np.maximum(depth, middle - half))
    return ((depth - middle) / half).astype(np.float32)


@TRANSFORMS.register_module()
class CubeCrop(BaseTransform):
    """Crop a depth picture to a cube about the hand, and normalise depth and joints to it.

    Required keys: ``depth`` (H, W) metres, 0 where nothing is seen; ``camera``: a name in
    :data:`~mmhand.cameras.DEPTH_CAMERAS`, a :class:`~mmhand.cameras.DepthCamera` or a
    :class:`~mmhand.structures.HandCamera`; ``crop_cube`` (3,) metres. Optional: ``crop_center`` (3,)
    metres, camera frame, which is found in the depth where it is missing (``center_source`` becomes
    ``'depth'``); ``keypoints_3d`` (J, 3) metres in the order of ``joint_set``. After
    :class:`CubeAugment` the crop it made is taken.

    Added keys: ``img`` (128, 128) float32 in [-1, 1], 1 is background; ``crop_affine`` (3, 3);
    ``crop_depth`` (128, 128), millimetres before normalisation, and ``crop_farthest``, its greatest
    depth when it was cut; with joints ``keypoints_cube`` and
    ``keypoints_uvd`` (J, 3), cube- and crop-normalised. See docs/en/methods/dsf.md#crops.

    Args:
        min_pixels: a crop with fewer pixels of depth is an error.

    Raises:
        HandDataError: the crop is empty, or numbers are millimetres; names the sample.
    """

    needs = ('depth', 'crop_cube')
    gives = ('img', 'img_shape', 'crop_depth', 'crop_center', 'crop_affine')

    def __init__(self, min_pixels: int = 1) -> None:
        if min_pixels < 1:
            raise HandConfigError(f'min_pixels of CubeCrop is {min_pixels}, expected at least 1')
        self.min_pixels = min_pixels

    def transform(self, results: dict) -> dict:
        """Crop and normalise."""
        if 'crop_depth' not in results:
            cut(results)
        normalise(results, self.min_pixels)
        return results


def cut(results: dict) -> None:
    """Add ``crop_depth`` and ``crop_affine``, and the cube's place where it is not stated."""
    check_units(results)
    camera = camera_of(results)
    _check_size(results, camera)
    cube = np.array(results['crop_cube'], np.float64) * np.ones(3)
    if results.get('crop_center') is None:
        results['crop_center'] = hand_center_from_depth(results['depth'], cube, camera, results)
        results['center_source'] = 'depth'
    center = np.array(results['crop_center'], np.float64)
    if not (np.isfinite(center).all() and center[2] > 0 and (cube > 0).all()):
        raise HandDataError(
            f'{_name(results)}: cannot crop a cube of {cube.tolist()} m about {center.tolist()} m'
        )
    # float32 metres are not whole millimetres; rounded to float32 again they are.
    depth = (np.asarray(results['depth'], np.float64) * MM).astype(np.float32)
    crop, affine = cut_cube(depth, center, cube, camera)
    results.update(
        crop_depth=crop,
        crop_farthest=crop.max(),
        crop_affine=affine,
        crop_center=center,
        crop_cube=cube,
    )


def _check_size(results: Mapping, camera: DepthCamera) -> None:
    height, width = np.shape(results['depth'])[:2]
    if (width, height) != tuple(camera.size):
        raise HandDataError(
            f'{_name(results)} is a picture of {width} x {height}, the camera "{camera.name}" has '
            f'{camera.size[0]} x {camera.size[1]}: it was resized, or state its own '
            'intrinsics (K)'
        )


def normalise(results: dict, min_pixels: int = 1) -> None:
    """Add ``img`` and the normalised joints to results that were cut."""
    center, cube = (np.asarray(results[key], np.float64) for key in ('crop_center', 'crop_cube'))
    seen = int(np.count_nonzero(results['crop_depth']))
    if seen < min_pixels:
        raise HandDataError(
            f'{_name(results)}: the crop about {np.round(center, 3).tolist()} m shows {seen} pixels '
            'of depth: its centre or camera is wrong, or the hand is out of the picture'
        )
    results['img'] = normalise_depth(
        results['crop_depth'], center, cube, results.get('crop_farthest')
    )
    if not (results['img'] < FOREGROUND).any():
        raise HandDataError(
            f'{_name(results)}: the crop about {np.round(center, 3).tolist()} m is all background'
        )
    results['img_shape'] = (CROP_SIZE, CROP_SIZE)
    if 'keypoints_3d' in results:
        joints = (np.asarray(results['keypoints_3d'], np.float64) - center) / (cube / 2)
        uvd = cube_to_uvd(joints, center, cube, results['crop_affine'], camera_of(results))
        results['keypoints_cube'] = joints.astype(np.float32)
        results['keypoints_uvd'] = uvd.astype(np.float32)


def check_units(results: Mapping) -> None:
    """Refuse millimetres where metres belong.

    Raises:
        HandDataError: names the sample and what is too large.
    """
    limits = dict(depth=_FAR, keypoints_3d=_FAR, crop_center=_FAR, crop_cube=_LARGE)
    for key, limit in limits.items():
        value: Any = results.get(key)
        most = 0.0 if value is None or not np.size(value) else np.nanmax(np.abs(value))
        if most > limit:
            raise HandDataError(
                f'{_name(results)}: {key} reaches {most:.0f}, which are millimetres, not metres: divide '
                'by 1000'
            )


def _name(results: Mapping) -> str:
    name, path = results.get('sample_id'), results.get('img_path')
    return f'sample {name or path}' + (f' ({path})' if name and path else '')
