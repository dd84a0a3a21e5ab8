"""Meshes as a camera sees them, one by one, and which of them is in front."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mmhand.renderers import rasterize

from .camera_rig import Camera


@dataclass
class Layer:
    """One mesh as a camera sees it, whatever is in front of it.

    Attributes:
        face: (H, W) int64, -1 where the mesh is not.
        barycentric: (H, W, 3).
        depth: (H, W) metres, infinite where the mesh is not.
    """

    face: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray

    def unseen(self) -> 'Layer':
        """A layer of the same size without the mesh."""
        nowhere = np.full_like(self.face, -1), np.full_like(self.depth, np.inf)
        return Layer(nowhere[0], self.barycentric, nowhere[1])


def draw(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> Layer:
    """Rasterise a closed world-space mesh (V, 3), (F, 3) for a camera."""
    with torch.no_grad():
        fragments = rasterize(
            torch.from_numpy(camera.to_camera(vertices)).float()[None],
            torch.from_numpy(faces),
            torch.from_numpy(camera.K).float(),
            camera.size[::-1],
            cull_backfaces=True,
        )
    face = fragments.face_index[0].numpy()
    depth = fragments.depth[0].numpy()
    return Layer(face, fragments.barycentric[0].numpy(), np.where(face >= 0, depth, np.inf))


def in_front(layers: Sequence[Layer]) -> tuple[np.ndarray, np.ndarray]:
    """Which layer is nearest, (H, W) from 0, -1 for none; and its depth, (H, W) metres, 0 for none."""
    distances = np.stack([layer.depth for layer in layers])
    owner, depth = distances.argmin(0), distances.min(0)
    owner[np.isinf(depth)] = -1
    return owner, np.where(np.isinf(depth), 0, depth).astype(np.float32)


def blend(values: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Per-vertex values (V, C) at places (N, 3 corners) with weights (N, 3); (N, C) float32."""
    values = values.astype(np.float32)
    return (
        values[corners[:, 0]] * weights[:, :1]
        + values[corners[:, 1]] * weights[:, 1:2]
        + values[corners[:, 2]] * weights[:, 2:]
    )
