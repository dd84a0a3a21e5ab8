import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmhand.geometry import contact_deviation, inside, mesh_contact, winding_number


def test_winding_number_counts_shells(ball):
    vertices, faces = ball
    points = np.array([[0.0, 0, 0], [0.5, 0.2, -0.3], [1.5, 0, 0], [0, 0, -9]])
    np.testing.assert_allclose(winding_number(points, vertices, faces), [1, 1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(
        winding_number(points, vertices, faces[:, ::-1]), [-1, -1, 0, 0], atol=1e-9
    )
    twice = np.concatenate([vertices, 2 * vertices])
    both = np.concatenate([faces, faces + len(vertices)])
    np.testing.assert_allclose(winding_number(points, twice, both), [2, 2, 1, 0], atol=1e-9)


def test_inside_of_a_cube(box):
    vertices, faces = box
    turn = Rotation.from_euler('xyz', [0.3, -0.5, 1.0]).as_matrix()
    points = np.random.default_rng(0).uniform(-1.6, 1.6, (400, 3))
    expected = (np.abs(points) < 1).all(1)
    np.testing.assert_array_equal(inside(points @ turn.T, vertices @ turn.T, faces), expected)
    assert not inside(np.array([[5.0, 0, 0]]), vertices, faces).any()


def test_a_hole_is_closed_as_by_a_membrane(ball):
    vertices, faces = ball
    open_faces = faces[vertices[faces].mean(1)[:, 0] < 0.9]  # a cap cut off, as MANO's wrist
    assert len(open_faces) < len(faces)
    points = np.array([[0.0, 0, 0], [0.7, 0, 0], [1.2, 0, 0]])
    np.testing.assert_array_equal(inside(points, vertices, open_faces), [True, True, False])
    # Many points, of which the convex hull sorts some out first.
    many = np.random.default_rng(2).uniform(-1.1, 1.1, (500, 3))
    expected = winding_number(many, vertices, open_faces) > 0.5
    assert 0 < expected.sum() < len(many)
    np.testing.assert_array_equal(inside(many, vertices, open_faces), expected)


def test_winding_number_far_from_the_origin(ball):
    """The formula by the corners as seen from each point (Van Oosterom and Strackee)."""
    vertices, faces = ball
    vertices = 0.1 * vertices + [3.0, -2.0, 8.0]
    points = vertices[::7] + np.random.default_rng(3).normal(scale=0.03, size=vertices[::7].shape)
    a, b, c = (vertices[faces[:, n]][None] - points[:, None] for n in range(3))
    la, lb, lc = (np.linalg.norm(x, axis=-1) for x in (a, b, c))
    solid = np.einsum('pfi,pfi->pf', a, np.cross(b, c))
    dots = [np.einsum('pfi,pfi->pf', x, y) for x, y in ((a, b), (b, c), (c, a))]
    scale = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    expected = np.arctan2(solid, scale).sum(1) / (2 * np.pi)
    np.testing.assert_allclose(winding_number(points, vertices, faces), expected, atol=1e-9)


@pytest.mark.parametrize('overlap', [0.0, 0.2, 0.5])
def test_depth_of_two_balls(ball, overlap):
    vertices, faces = ball
    gap = 0.1 if overlap == 0 else -overlap
    other = vertices + [2 + gap, 0, 0]
    contact = mesh_contact((vertices, other), (faces, faces))
    assert contact.penetration_depth == pytest.approx(overlap, abs=0.01)
    if overlap:
        assert min(contact.inside_share) > 0
        # A spherical cap of height overlap / 2 holds that share of the ball's area.
        assert contact.inside_share[0] == pytest.approx(overlap / 4, abs=0.02)
    else:
        assert contact.inside_share == (0, 0)
        assert contact.distance == pytest.approx(gap, abs=1e-9)


def test_depth_is_to_the_surface_not_to_its_vertices(box):
    """A corner that enters through the middle of a coarse face."""
    vertices, faces = box
    small = 0.1 * vertices + [1.05, 0.4, 0.1]
    contact = mesh_contact((vertices, small), (faces, faces))
    assert contact.penetration_depth == pytest.approx(0.05, abs=1e-9)
    assert contact.inside_share == (0, 0.5)


def test_contact_deviation():
    rng = np.random.default_rng(1)
    right = np.concatenate([rng.uniform(-1, -0.5, (20, 3)), [[0, 0, 0], [0, 0.01, 0]]])
    left = np.concatenate([rng.uniform(0.5, 1, (20, 3)), [[0.002, 0, 0], [0.0, 0.0125, 0]]])
    gt = (right, left)
    # Two pairs, each seen from both sides.
    assert contact_deviation(gt, gt) == pytest.approx((0.002 + 0.0025) / 2)
    moved = (right, left + [0.0, 0.0, 0.04])
    expected = (np.hypot(0.002, 0.04) + np.hypot(0.0025, 0.04)) / 2
    assert contact_deviation(moved, gt) == pytest.approx(expected)
    assert contact_deviation(moved, gt, threshold=0.0022) == pytest.approx(np.hypot(0.002, 0.04))
    assert np.isnan(contact_deviation(gt, moved))
