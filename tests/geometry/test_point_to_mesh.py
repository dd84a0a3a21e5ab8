"""Distances from points to meshes: golden numbers, brute force, parts, gradients."""

import math

import pytest
import torch

from mmhand.geometry import point_mesh_distances, point_mesh_distances_reference
from mmhand.hand_models import OpenHand
from mmhand.utils.errors import HandDataError


def sphere():
    """(1, 362, 3) vertices of radius 1 and (720, 3) faces."""
    theta, phi = math.pi * torch.arange(1, 16) / 16, 2 * math.pi * torch.arange(24) / 24
    t, p = torch.meshgrid(theta, phi, indexing='ij')
    ring = torch.stack((t.sin() * p.cos(), t.cos(), t.sin() * p.sin()), -1).flatten(0, 1)
    vertices = torch.cat((ring, torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])))
    a = torch.arange(15 * 24).view(15, 24)
    b = a.roll(-1, 1)
    quads = [(a[:-1], b[:-1], a[1:]), (b[:-1], b[1:], a[1:])]
    faces = [torch.stack(quad, -1).flatten(0, 1) for quad in quads]
    faces += [torch.stack((torch.full((24,), 360), b[0], a[0]), -1)]
    faces += [torch.stack((torch.full((24,), 361), a[-1], b[-1]), -1)]
    return vertices[None], torch.cat(faces)


def test_distances_to_a_sphere():
    vertices, faces = sphere()
    vertices = (vertices * 60 + torch.tensor([20.0, -30.0, 700.0])) - torch.tensor([10.0, -20, 690])
    n = torch.arange(200.0)
    points = torch.stack(
        (0.7 * (0.9 * n).sin(), 0.7 * (1.3 * n).cos(), 0.7 * (0.31 * n + 1).sin()), -1
    )
    squared = point_mesh_distances(points[None], vertices / 125, faces).squared[0]
    assert float(squared.mean()) == pytest.approx(0.177211, abs=1e-6)
    torch.testing.assert_close(squared[:3], torch.tensor([0.207944, 0.108308, 0.279684]))


@pytest.mark.parametrize('parts', [False, True])
def test_the_reference_agrees(parts):
    torch.manual_seed(0)
    hand = OpenHand()
    pose = torch.randn(2, 45) * 0.3
    vertices = hand(pose[:, :3], pose, pose[:, :10]).vertices * 8
    near = vertices[:, torch.randint(0, hand.num_verts, (60,))] + 0.1 * torch.randn(2, 60, 3)
    extra = {}
    if parts:
        labels = torch.randint(0, 16, (2, 60))
        part_faces = hand.part_labels[hand.faces[:, 0]] == torch.arange(16)[:, None]
        part_faces[0] = False
        extra = dict(labels=labels, part_faces=part_faces)
    points, mesh = near.detach().requires_grad_(), vertices.detach().requires_grad_()
    ours = point_mesh_distances(points, mesh, hand.faces, **extra, pairs_per_chunk=20_000)
    slow = point_mesh_distances_reference(points, mesh, hand.faces, **extra)
    torch.testing.assert_close(ours.squared, slow.squared)
    known = ours.face >= 0
    assert (known == (slow.face >= 0)).all()
    assert bool(known.all()) != parts
    for one, other in zip(
        torch.autograd.grad(ours.squared[known].sum(), (points, mesh)),
        torch.autograd.grad(slow.squared[known].sum(), (points, mesh)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_wrong_shapes_are_refused():
    vertices, faces = sphere()
    with pytest.raises(HandDataError, match='points'):
        point_mesh_distances(torch.zeros(2, 5, 3), vertices, faces)
    with pytest.raises(HandDataError, match='part_faces'):
        point_mesh_distances(torch.zeros(1, 5, 3), vertices, faces, torch.zeros(1, 5).long())
