"""Meshes, cameras, and the slow rasteriser with the pixels where rounding decides."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
import trimesh

from mmhand.renderers.rasterize_reference import meet_faces, rasterize_reference


class Reference(NamedTuple):
    """Per pixel: nearest face or -1, barycentric weights, depth; where rounding may decide."""

    face: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray
    ambiguous: np.ndarray


def brute_force(vertices, faces, K, image_size, znear=1e-2, eps=1e-9):
    """The package's reference in float64, and where its rounding may decide."""
    args = (torch.from_numpy(np.asarray(x)) for x in (vertices[None], faces, K))
    vertices, faces, K = args
    found = rasterize_reference(vertices, faces, K, image_size, znear)
    weights, depth = meet_faces(vertices, faces, K, image_size)
    near = (weights > -eps).all(-1)
    edge = near & (weights.abs() < eps).any(-1) & (depth > 0)
    edge |= near & ((depth - znear).abs() < eps)
    # Two faces at one place.
    inside = (weights >= 0).all(-1) & (depth >= znear)
    ahead = torch.where(inside, depth, torch.inf).sort(-1).values
    close = torch.zeros_like(edge[..., 0])
    if ahead.shape[-1] > 1:
        close = ahead[..., 1] - ahead[..., 0] < 1e-6 * ahead[..., 0]
    ambiguous = edge.any(-1) | close
    return Reference(*(x[0].numpy() for x in (*found, ambiguous)))


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
