"""Soft outlines: their value by distance, their gradient, and what they must not depend on."""

import cv2
import numpy as np
import pytest
import torch
import trimesh

from mmhand.renderers import rasterize, soft_silhouette
from mmhand.utils.errors import HandDataError


def square(low, high, z=1.0, cells=1, dtype=torch.float64):
    """Vertices (1, V, 3) and faces of a flat grid of ``cells`` squares each way, seen with K = 1."""
    line = torch.linspace(0, 1, cells + 1, dtype=dtype)
    y, x = torch.meshgrid(line, line, indexing='ij')
    low, high = torch.tensor(low, dtype=dtype), torch.tensor(high, dtype=dtype)
    xy = torch.stack([x, y], -1).view(-1, 2) * (high - low) + low
    index = torch.arange((cells + 1) ** 2).view(cells + 1, cells + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    faces = torch.cat(
        [torch.stack([a, b, d], -1).view(-1, 3), torch.stack([a, d, c], -1).view(-1, 3)]
    )
    vertices = torch.cat([xy * z, torch.full_like(xy[:, :1], z)], -1)
    return vertices[None], faces


def signed_distance(low, high, size):
    """Exact distance of pixels to a rectangle's outline, positive inside."""
    v, u = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing='ij')
    points = np.stack([u, v], -1).astype(np.float64)
    beyond = np.maximum(np.array(low) - points, points - np.array(high))
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
    return np.where((beyond < 0).all(-1), -beyond.max(-1), -outside)


@pytest.mark.parametrize('sigma', [0.5, 1.0, 2.5])
@pytest.mark.parametrize('cells', [1, 7])
@pytest.mark.parametrize('winding', ['one', 'other', 'mixed'])
def test_value_is_the_sigmoid_of_the_distance(sigma, cells, winding):
    """However finely the square is divided, and whichever way its faces are wound."""
    low, high, size = (6.3, 8.6), (25.4, 21.7), (32, 36)
    vertices, faces = square(low, high, z=0.7, cells=cells)
    if winding == 'other':
        faces = faces.flip(1)
    elif winding == 'mixed':
        faces = torch.cat([faces[::2], faces[1::2].flip(1)])
    soft = soft_silhouette(vertices, faces, torch.eye(3), size, sigma)[0].numpy()
    exact = 1 / (1 + np.exp(-signed_distance(low, high, size) / sigma))
    exact = np.where(exact < 1e-3, 0, np.where(exact > 1 - 1e-3, 1, exact))
    np.testing.assert_allclose(soft, exact, atol=1e-6)


def test_edges_across_the_mesh_are_not_outlines():
    """A small square before a large one, in one mesh, changes nothing."""
    back, faces = square((4.2, 4.2), (27.7, 27.7), z=1.0)
    front, _ = square((10.0, 9.5), (20.0, 21.5), z=0.5)
    both = torch.cat([back, front], 1)
    joined = torch.cat([faces, faces + 4])
    args = (torch.eye(3), (32, 32), 1.5)
    torch.testing.assert_close(
        soft_silhouette(both, joined, *args), soft_silhouette(back, faces, *args)
    )


def test_a_hole_has_an_outline():
    vertices, faces = square((2.0, 2.0), (26.0, 26.0), cells=6)
    center = vertices[0, faces].mean(1)[:, :2]
    ring = faces[((center - 14).abs() > 4).any(1)]  # without the four cells in the middle
    assert len(ring) == len(faces) - 8
    soft = soft_silhouette(vertices, ring, torch.eye(3), (29, 29))[0]
    distance = torch.arange(29.0, dtype=torch.float64) - 10.0
    expected = torch.sigmoid(-distance)[8:14]
    torch.testing.assert_close(soft[14, 8:14], expected, atol=1e-6, rtol=0)


def test_a_hand_agrees_with_a_distance_transform(hand, pinhole):
    vertices, faces = hand
    size, sigma, finer = (96, 120), 2.0, 8
    K = pinhole(300.0, size)
    soft = soft_silhouette(vertices[None], faces, K, size, sigma)[0].numpy()
    fine = K.clone()
    fine[:2] *= finer
    fine[:2, 2] += (finer - 1) / 2
    mask = rasterize(vertices[None], faces, fine, (size[0] * finer, size[1] * finer)).mask[0]
    mask = mask.numpy().astype(np.uint8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance -= cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = cv2.resize(distance, size[::-1], interpolation=cv2.INTER_AREA) / finer
    error = np.abs(soft - 1 / (1 + np.exp(-distance / sigma)))
    assert 0.05 < soft.mean() < 0.9
    # What differs lies inside the ends of notches that are narrower than a pixel.
    assert error.mean() < 3e-3
    assert np.quantile(error, 0.99) < 0.04


def test_gradients():
    """Away from the places where another edge becomes the nearest."""
    vertices, faces = square((3.27, 4.61), (11.37, 9.83), z=1.3)
    vertices[0, :, 2] += torch.tensor([0.0, 0.1, 0.2, -0.1])
    vertices.requires_grad_()
    K = torch.tensor([[1.0, 0.03, 0.2], [-0.02, 1.1, 0.1], [0, 0, 1]], dtype=torch.float64)
    K.requires_grad_()

    def draw(v, k):
        return soft_silhouette(v, faces, k, (12, 14), sigma=0.8)

    assert (draw(vertices, K) % 1 > 0).sum() > 60
    assert torch.autograd.gradcheck(draw, (vertices, K), eps=1e-7)


def test_a_hand_s_gradient_agrees_with_differences(hand, pinhole):
    vertices, faces = hand
    K, size = pinhole(150.0, (48, 56)).double(), (48, 56)
    v, u = torch.meshgrid(*(torch.arange(float(n)).double() for n in size), indexing='ij')
    weight = (u - 10) / 56 + (v - 30) / 48

    def loss(t):
        return (soft_silhouette(vertices.double()[None] + t, faces, K, size, 1.5) * weight).sum()

    # Where another edge becomes the nearest the value may jump a little: compare over a stretch.
    line = torch.linspace(-2e-3, 2e-3, 9, dtype=torch.float64)
    steps = (line[:, None, None] * torch.eye(3, dtype=torch.float64)).requires_grad_()
    values = torch.stack([torch.stack([loss(t) for t in row]) for row in steps])
    (grad,) = torch.autograd.grad(values.sum(), steps)
    slope = (values[-1] - values[0]).detach() / 4e-3
    mean = grad.mean(0).diagonal()
    assert (mean - slope).norm() < 0.1 * slope.norm()


def test_descent_moves_a_ball_onto_its_silhouette(ball, pinhole):
    """From a position where the two hardly overlap, which a hard mask gives no gradient for."""
    vertices, faces = ball
    K, size = pinhole(120.0, (40, 40)), (40, 40)
    goal = torch.tensor([0.06, -0.04, 0.1])
    target = soft_silhouette(vertices[None] + goal, faces, K, size, 3.0)
    shift = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([shift], lr=0.01)
    for _ in range(80):
        soft = soft_silhouette(vertices[None] + shift, faces, K, size, 3.0)
        optimizer.zero_grad()
        (soft - target).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(shift.detach()[:2], goal[:2], atol=5e-3, rtol=0)
    assert float(shift.detach()[2]) == pytest.approx(0.1, abs=0.03)


def test_meshes_of_a_batch_do_not_mix(ball, pinhole):
    vertices, faces = ball
    batch = torch.stack([vertices, vertices + torch.tensor([0.05, 0.02, 0.3])])
    K = torch.stack([pinhole(200.0, (40, 50)), pinhole(150.0, (40, 50))])
    whole = soft_silhouette(batch, faces, K, (40, 50))
    for row in range(2):
        alone = soft_silhouette(batch[row : row + 1], faces, K[row], (40, 50))
        torch.testing.assert_close(whole[row], alone[0])


def test_near_and_empty_pictures(ball, pinhole):
    vertices, faces = ball
    K = pinhole(50.0, (16, 20))
    assert (soft_silhouette(-vertices[None], faces, K, (16, 20)) == 0).all()
    around = (10 * (vertices - torch.tensor([0.0, 0, 1])))[None].requires_grad_()
    soft = soft_silhouette(around, faces, K, (16, 20))
    assert (soft == 1).all()
    soft.sum().backward()
    assert around.grad is None or torch.isfinite(around.grad).all()
    half = soft_silhouette(vertices[None].half(), faces.int(), K, (16, 20))
    assert half.dtype == torch.float32


def test_an_outline_that_leaves_the_picture(ball):
    """The part of the outline that is outside still counts inside."""
    vertices, faces = square((-20.0, -20.0), (10.4, 40.0))
    soft = soft_silhouette(vertices, faces, torch.eye(3), (20, 20))[0]
    expected = torch.sigmoid(10.4 - torch.arange(20.0, dtype=torch.float64))
    expected = torch.where((expected - 0.5).abs() > 0.499, expected.round(), expected)
    torch.testing.assert_close(soft, expected.expand(20, 20), atol=1e-6, rtol=0)


def test_an_edge_on_the_pixel_s_centre_has_a_finite_gradient():
    vertices, faces = square((4.0, 4.0), (9.0, 9.0))
    vertices.requires_grad_()
    soft = soft_silhouette(vertices, faces, torch.eye(3), (14, 14))
    assert float(soft[0, 6, 4].detach()) == pytest.approx(0.5, abs=1e-5)
    soft.sum().backward()
    assert torch.isfinite(vertices.grad).all()


def test_meshes_with_edges_of_many_faces():
    """Three walls on one edge: no assumption of a manifold."""
    mesh = trimesh.creation.box(extents=(0.2, 0.2, 0.2))
    vertices = torch.tensor(np.array(mesh.vertices)) + torch.tensor([0, 0, 1.0])
    extra = torch.tensor([[0.0, 0.4, 1.0]], dtype=vertices.dtype)
    faces = torch.tensor(np.array(mesh.faces))
    edge = faces[0, :2]
    both = torch.cat([faces, torch.cat([edge, torch.tensor([8])])[None]])
    K = torch.tensor([[50.0, 0, 20], [0, 50, 20], [0, 0, 1]], dtype=torch.float64)
    points = torch.cat([vertices, extra])[None]
    soft = soft_silhouette(points, both, K, (44, 40), sigma=0.3)[0]
    mask = rasterize(points, both, K, (44, 40)).mask[0]
    assert torch.equal(soft >= 0.5, mask)


def test_what_does_not_fit_is_refused(ball):
    with pytest.raises(HandDataError, match='vertices must be'):
        soft_silhouette(ball[0], ball[1], torch.eye(3), (4, 4))
