"""Depth augmentation as DSF's release does it: one of turn, shift, scale and nothing."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.cameras import DepthCamera, crop_affine_cube, project_depth, unproject_depth
from mmhand.cameras.depth_cube import CROP_SIZE
from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandConfigError

from .cube_crop import camera_of, cut, limit_depth, normalise
from .random_state import worker_random_state

MODES = ('rotate', 'shift', 'scale', 'none')


@dataclass(frozen=True)
class CubeAugmentParams:
    """One augmentation.

    Attributes:
        mode: one of :data:`MODES`.
        rotation: degrees, clockwise in the picture.
        shift: (3,) metres, of the cube's centre.
        scale: of the cube.
    """

    mode: str = 'none'
    rotation: float = 0.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0


@TRANSFORMS.register_module()
class CubeAugment(BaseTransform):
    """Turn, shift or scale a depth crop, drawn with equal chances, or leave it.

    It acts on the crop, between cutting and normalisation, so it stands before :class:`CubeCrop`, whose
    keys it takes; ``crop_depth``, ``crop_affine``, ``crop_center``, ``crop_cube`` and ``keypoints_3d``
    (metres) change. Results that are normalised already are normalised again.

    A turn is about the crop's middle; joints turn about the cube's centre in the picture, and
    ``crop_affine`` stays: it knows no turn. A shift moves the cube and re-cuts depth by its new faces; a
    scale changes the cube, but depth is still cut by its old faces. Both warp the crop, not the picture,
    and place it by a matrix of its own rounding. See docs/en/methods/dsf.md#crops.

    Args:
        rotation: largest turn, degrees.
        shift: largest shift of each axis, metres.
        scale: largest change of scale.

    Raises:
        HandConfigError: an unknown mode in the parameters.
    """

    needs = ('depth', 'crop_cube')
    gives = ()

    def __init__(self, rotation: float = 180.0, shift: float = 0.01, scale: float = 0.2) -> None:
        self.rotation, self.shift, self.scale = rotation, shift, scale

    def draw(self) -> CubeAugmentParams:
        """Draw one augmentation."""
        rng = worker_random_state()
        mode = MODES[rng.randint(len(MODES))]
        return CubeAugmentParams(
            mode,
            rotation=float(rng.uniform(-self.rotation, self.rotation)),
            shift=tuple(rng.uniform(-self.shift, self.shift, 3).tolist()),
            scale=abs(1 + float(rng.uniform(-self.scale, self.scale))),
        )

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.draw())

    def apply(self, results: dict, params: CubeAugmentParams) -> dict:
        """Apply a given augmentation.

        Args:
            results: see the class; changed in place.
            params: what to do.

        Returns:
            The results.
        """
        if params.mode not in MODES:
            raise HandConfigError(
                f'augmentation mode is "{params.mode}", not one of {", ".join(MODES)}'
            )
        if 'crop_depth' not in results:
            cut(results)
        camera = camera_of(results)
        if params.mode == 'rotate':
            _rotate(results, params.rotation, camera)
        elif params.mode == 'shift':
            _recut(results, camera, shift=np.asarray(params.shift, np.float64))
        elif params.mode == 'scale':
            _recut(results, camera, scale=params.scale)
        if 'img' in results:
            normalise(results)
        return results


def _rotate(results: dict, degrees: float, camera: DepthCamera) -> None:
    crop = results['crop_depth']
    turn = cv2.getRotationMatrix2D((CROP_SIZE / 2, CROP_SIZE / 2), -degrees, 1)
    turned = _warp(crop, np.concatenate((turn, [[0.0, 0.0, 1.0]])))
    results['crop_depth'] = _without_fringe(turned, crop)
    if 'keypoints_3d' in results:
        uvz = project_depth(np.asarray(results['keypoints_3d'], np.float64), camera)
        center = project_depth(np.asarray(results['crop_center'], np.float64), camera)[:2]
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        uv = (uvz[:, :2] - center) @ np.array([[cos, sin], [-sin, cos]]) + center
        turned = unproject_depth(np.concatenate((uv, uvz[:, 2:]), axis=1), camera)
        results['keypoints_3d'] = turned.astype(np.float32)


def _recut(
    results: dict, camera: DepthCamera, shift: np.ndarray | float = 0.0, scale: float = 1.0
) -> None:
    old = results['crop_cube']
    center, cube = results['crop_center'] + shift, old * scale
    affine = crop_affine_cube(center, cube, camera, whole=False)
    crop = results['crop_depth']
    change = affine @ np.linalg.inv(results['crop_affine'])
    warped = _without_fringe(_warp(crop, change), crop)
    limit_depth(warped, center, old)
    results.update(crop_depth=warped, crop_center=center, crop_cube=cube, crop_affine=affine)


def _warp(crop: np.ndarray, change: np.ndarray) -> np.ndarray:
    """A crop under an affine (3, 3), nearest pixels, 0 outside.

    By hand, because OpenCV 4 rounds the places of pixels in fixed point and OpenCV 5 does not.
    """
    back = np.linalg.inv(change)
    place = np.arange(CROP_SIZE)
    x = np.rint(back[0, 0] * place + back[0, 1] * place[:, None] + back[0, 2]).astype(np.int64)
    y = np.rint(back[1, 0] * place + back[1, 1] * place[:, None] + back[1, 2]).astype(np.int64)
    inside = (x >= 0) & (x < CROP_SIZE) & (y >= 0) & (y < CROP_SIZE)
    warped = np.zeros_like(crop)
    warped[inside] = crop[y[inside], x[inside]]
    return warped


def _without_fringe(warped: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Take away what an interpolation would have made of depth and nothing."""
    seen = crop[crop > 0]
    if len(seen):
        warped[warped < seen.min() - 1] = 0
    return warped
