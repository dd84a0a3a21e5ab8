"""Soft shadows of the key light: a blurred depth map seen from the light."""

import cv2
import numpy as np
import torch

from mmhand.cameras import look_at, project, world_to_camera
from mmhand.renderers import rasterize

from .lights import Lights

#: Edge of the map in pixels, and of what it covers, metres.
_SIZE, _COVER = 224, 0.75

#: Distance from the light to the hands, metres: far enough to be nearly parallel.
_DISTANCE = 4.0

#: Depth by which a surface may lie behind the one seen from the light and still be lit, metres.
_BIAS = 0.003


class ShadowMap:
    """Variance shadow map (Donnelly and Lauritzen, 2006) of a scene's first light.

    Args:
        vertices: (V, 3) of everything that casts shadows, world, metres.
        faces: (F, 3).
        lights: of the scene.
        center: (3,) middle of the hands.
        softness: blur of the shadows' edges at the hands, metres.
    """

    def __init__(
        self,
        vertices: np.ndarray,
        faces: np.ndarray,
        lights: Lights,
        center: np.ndarray,
        softness: float,
    ) -> None:
        self.position = center + _DISTANCE * lights.directions[0]
        self.rotation = look_at(self.position, center)
        focal, half = _SIZE * _DISTANCE / _COVER, (_SIZE - 1) / 2
        self.K = np.array([[focal, 0, half], [0, focal, half], [0, 0, 1]])
        local = world_to_camera(vertices, self.rotation, self.position)
        with torch.no_grad():
            depth = rasterize(
                torch.from_numpy(local).float()[None],
                torch.from_numpy(faces),
                torch.from_numpy(self.K).float(),
                (_SIZE, _SIZE),
            ).depth[0]
        depth = depth.numpy() - _DISTANCE
        depth[depth == -_DISTANCE] = 0.5 * _COVER
        moments = np.stack([depth, depth**2], -1)
        sigma = max(softness * focal / _DISTANCE, 0.7)
        self.moments = cv2.GaussianBlur(moments, (0, 0), sigma)

    def lit(self, points: np.ndarray) -> np.ndarray:
        """(N,) float32 share of the light that reaches world points (N, 3)."""
        local = world_to_camera(points, self.rotation, self.position)
        uv = project(local, self.K).astype(np.float32)
        # remap takes at most 32767 rows: fold the list into a picture.
        count = len(uv)
        width = 1024
        padded = np.zeros((-(-max(count, 1) // width) * width, 2), np.float32)
        padded[:count] = uv
        grid = padded.reshape(-1, width, 2)
        seen = cv2.remap(
            self.moments, grid, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).reshape(-1, 2)[:count]
        behind = np.maximum(local[:, 2].astype(np.float32) - _DISTANCE - _BIAS - seen[:, 0], 0)
        variance = np.maximum(seen[:, 1] - seen[:, 0] ** 2, 4e-6)
        bound = variance / (variance + behind**2)
        # The bound leaks light where shadows overlap; cut its tail.
        return np.clip((bound - 0.25) / 0.75, 0, 1).astype(np.float32)
