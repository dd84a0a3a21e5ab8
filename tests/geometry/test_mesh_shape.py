"""Normals, closedness and volume."""

import numpy as np
import pytest
import torch
import trimesh

from mmhand.geometry import face_normals, is_watertight, signed_volume, vertex_normals


def test_normals_of_a_ball_point_outward(ball):
    vertices, faces = torch.from_numpy(ball[0])[None], torch.from_numpy(ball[1])
    normals = vertex_normals(vertices, faces)
    torch.testing.assert_close(normals, vertices, atol=2e-2, rtol=0)
    reference = trimesh.Trimesh(*ball, process=False)
    np.testing.assert_allclose(
        face_normals(vertices, faces)[0].numpy(), reference.face_normals, atol=1e-9
    )


def test_vertex_normals_weigh_faces_by_area():
    vertices = torch.tensor([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 1]]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])  # areas 2 and 1, normals z and x
    expected = torch.tensor([1.0, 0, 2]) / 5**0.5
    torch.testing.assert_close(vertex_normals(vertices, faces)[0, 0], expected)
    lengths = face_normals(vertices, faces, unit=False).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.tensor([[4.0, 2.0]]))


def test_small_meshes_have_unit_normals_too(ball):
    """A millimetre ball: areas of 1e-8 must not vanish in the normalisation."""
    vertices, faces = torch.from_numpy(1e-3 * ball[0]).float()[None], torch.from_numpy(ball[1])
    for normals in (vertex_normals(vertices, faces), face_normals(vertices, faces)):
        torch.testing.assert_close(normals.norm(dim=-1), torch.ones(normals.shape[:2]))


def test_vertices_without_faces_have_zero_normals():
    vertices = torch.rand(1, 4, 3)
    assert vertex_normals(vertices, torch.tensor([[0, 1, 2]]))[0, 3].tolist() == [0, 0, 0]
    assert face_normals(vertices, torch.tensor([[0, 0, 2]]))[0, 0].tolist() == [0, 0, 0]


def test_a_broken_vertex_spoils_no_neighbour(ball):
    vertices, faces = torch.from_numpy(ball[0])[None].clone(), torch.from_numpy(ball[1])
    whole = vertex_normals(vertices, faces)
    vertices[0, 7] = torch.nan
    normals = vertex_normals(vertices, faces)
    assert torch.isfinite(normals).all()
    assert (normals[0, 7] == 0).all()
    ring = torch.unique(faces[(faces == 7).any(1)])
    assert ((normals - whole)[0, ring[ring != 7]].norm(dim=-1) < 0.3).all()


def test_normals_have_the_right_gradient(box):
    vertices = torch.from_numpy(box[0])[None].requires_grad_()
    faces = torch.from_numpy(box[1])
    assert torch.autograd.gradcheck(lambda v: vertex_normals(v, faces), (vertices,))


def test_watertight_meshes(ball, box):
    for _, faces in (ball, box):
        assert is_watertight(faces)
        assert not is_watertight(faces[1:])
        turned = faces.copy()
        turned[0] = turned[0, ::-1]
        assert not is_watertight(turned)
        assert not is_watertight(np.concatenate([faces, faces[:1]]))
    assert not is_watertight(np.zeros((0, 3), int))
    assert not is_watertight(np.array([[0, 0, 1], [1, 0, 0]]))


def test_volume(ball, box):
    vertices, faces = box
    assert signed_volume(vertices, faces) == pytest.approx(8)
    assert signed_volume(vertices + 1e6, faces) == pytest.approx(8)
    assert signed_volume(vertices, faces[:, ::-1]) == pytest.approx(-8)
    batch = np.stack([ball[0], 2 * ball[0]])
    volume = signed_volume(batch, ball[1])
    np.testing.assert_allclose(volume, [4 / 3 * np.pi, 32 / 3 * np.pi], rtol=0.02)
    tensor = torch.from_numpy(batch).requires_grad_()
    torch.testing.assert_close(
        signed_volume(tensor, torch.from_numpy(ball[1])).detach(), torch.from_numpy(volume)
    )
    corner = torch.from_numpy(vertices).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: signed_volume(v, torch.from_numpy(faces)), (corner,))


@pytest.mark.parametrize('side', ['right', 'left'])
def test_the_embedded_hand_is_closed_and_of_plausible_volume(side):
    from mmhand.hand_models import OpenHand

    hand = OpenHand(side)
    zeros = torch.zeros
    vertices = hand(zeros(1, 3), zeros(1, 45), zeros(1, 10)).vertices
    assert is_watertight(hand.faces.numpy())
    assert 1.5e-4 < float(signed_volume(vertices, hand.faces)) < 8e-4
