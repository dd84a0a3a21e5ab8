"""Meshes, cameras, and a rasteriser that is slow and obviously right."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
import trimesh


class Reference(NamedTuple):
    """Per pixel: nearest face or -1, barycentric weights, depth; where rounding may decide."""

    face: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray
    ambiguous: np.ndarray


def brute_force(vertices, faces, K, image_size, znear=1e-2, eps=1e-9):
    """Meet the ray of every pixel with the plane of every face, in float64.

    With corners as columns of M, ``M b = ray`` gives the point ``ray / sum(b)`` and the weights
    ``b / sum(b)``.
    """
    height, width = image_size
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3) @ np.linalg.inv(K).T
    best = Reference(
        np.full(len(rays), -1),
        np.zeros((len(rays), 3)),
        np.full(len(rays), np.inf),
        np.zeros(len(rays), bool),
    )
    for index, face in enumerate(faces):
        corners = vertices[face].T
        if not np.isfinite(corners).all() or abs(np.linalg.det(corners)) < 1e-14:
            continue
        b = np.linalg.solve(corners, rays.T).T
        with np.errstate(divide='ignore', invalid='ignore'):
            weights, depth = b / b.sum(1, keepdims=True), 1 / b.sum(1)
        inside = (weights >= 0).all(1) & (depth >= znear)
        best.ambiguous[:] |= (weights > -eps).all(1) & (np.abs(weights) < eps).any(1) & (depth > 0)
        best.ambiguous[:] |= (weights > -eps).all(1) & (np.abs(depth - znear) < eps)
        close = np.abs(depth - best.depth) < 1e-6 * np.abs(depth)
        best.ambiguous[:] |= inside & close
        wins = inside & (depth < best.depth)
        best.face[wins], best.depth[wins] = index, depth[wins]
        best.barycentric[wins] = weights[wins]
    best.depth[best.face < 0] = 0
    return Reference(*(x.reshape(height, width, *x.shape[1:]) for x in best))


@pytest.fixture(scope='session')
def reference():
    return brute_force


@pytest.fixture(scope='session')
def pinhole():
    """K of a picture (H, W) with the principal point in its middle."""

    def make(focal, size):
        return torch.tensor(
            [[focal, 0, (size[1] - 1) / 2], [0, focal, (size[0] - 1) / 2], [0, 0, 1.0]]
        )

    return make


@pytest.fixture(scope='session')
def ball():
    """Vertices (V, 3) of an icosphere of 0.1 m at 1 m in front of the camera, faces outward."""
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.1)
    vertices = torch.tensor(np.array(mesh.vertices), dtype=torch.float32)
    return vertices + torch.tensor([0.0, 0.0, 1.0]), torch.tensor(np.array(mesh.faces))


@pytest.fixture(scope='session')
def hand():
    """Vertices (V, 3) of a posed hand half a metre away and its faces."""
    from mmhand.hand_models import OpenHand

    model = OpenHand()
    pose = model.sample_pose(1, torch.Generator().manual_seed(2))
    with torch.no_grad():
        vertices = model(torch.tensor([[1.2, 0.3, 0.4]]), pose, torch.zeros(1, 10)).vertices[0]
    return vertices - vertices.mean(0) + torch.tensor([0, 0, 0.5]), model.faces
