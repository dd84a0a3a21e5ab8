import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.geometry import fscore, nearest_distances, surface_distances
from mmhand.utils.errors import HandDataError


def brute_fscore(pred, gt, threshold):
    distance = np.linalg.norm(pred[:, None] - gt[None], axis=-1)
    precision = (distance.min(1) < threshold).mean()
    recall = (distance.min(0) < threshold).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_fscore_equals_all_pairs(seed):
    rng = np.random.default_rng(seed)
    pred, gt = rng.uniform(0, 0.1, (3, 40, 3)), rng.uniform(0, 0.1, (3, 55, 3))
    thresholds = (0.001, 0.005, 0.015, 1.0)
    scores = fscore(pred, gt, thresholds)
    for row in range(3):
        expected = [brute_fscore(pred[row], gt[row], t) for t in thresholds]
        np.testing.assert_allclose(scores[row], expected, atol=1e-12)


def test_strictly_nearer_counts():
    """One pair coincides, one is exactly the threshold apart, seen from either side."""
    pred, gt = np.array([[[0.0, 0, 0], [9, 0, 0]]]), np.array([[[0.5, 0, 0], [9, 0, 0]]])
    np.testing.assert_array_equal(fscore(pred, gt, (0.5, 0.5000001)), [[0.5, 1]])


def test_precision_and_recall_are_not_the_same():
    pred = np.array([[[0.0, 0, 0], [9.0, 0, 0], [9.0, 0, 0]]])
    gt = np.array([[[0.0, 0, 0]]])
    # Precision 1/3, recall 1.
    assert fscore(pred, gt, (1.0,))[0, 0] == pytest.approx(0.5)


def test_fscore_refuses_what_it_cannot_score():
    with pytest.raises(HandDataError, match='2 predictions against 1'):
        fscore(np.zeros((2, 3, 3)), np.zeros((1, 3, 3)), (1.0,))
    with pytest.raises(HandDataError, match='not finite'):
        fscore(np.full((1, 3, 3), np.nan), np.zeros((1, 3, 3)), (1.0,))


def test_nearest_distances():
    source = np.array([[0.0, 0, 0], [1.0, 1, 1]])
    target = np.array([[0.0, 0, 2.0], [1.0, 1, 0]])
    np.testing.assert_allclose(nearest_distances(source, target), [np.sqrt(2), 1])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_surface_distance_equals_trimesh(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.standard_normal((12, 3))
    faces = rng.permuted(np.tile(np.arange(12), (20, 1)), axis=1)[:, :3]
    points = rng.standard_normal((30, 3)) * 2
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    corners = mesh.triangles
    closest = [
        trimesh.triangles.closest_point(corners, np.tile(p, (len(corners), 1))) for p in points
    ]
    expected = [np.linalg.norm(c - p, axis=1).min() for c, p in zip(closest, points, strict=True)]
    np.testing.assert_allclose(surface_distances(points, vertices, faces), expected, atol=1e-9)


def test_surface_distance_by_hand(box):
    points = np.array([[0.0, 0, 0], [3.0, 0, 0], [2.0, 2.0, 0.5], [2.0, 2, 2], [0.2, 1.0, 0.3]])
    expected = [1, 2, np.sqrt(2), np.sqrt(3), 0]
    np.testing.assert_allclose(surface_distances(points, *box), expected, atol=1e-12)


def test_faces_without_area_are_segments():
    vertices = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.5, 0, 0]])
    points = np.array([[0.5, 2.0, 0], [-1.0, 0, 0]])
    np.testing.assert_allclose(surface_distances(points, vertices, np.array([[0, 1, 2]])), [2, 1])


def test_many_points_are_handled_in_chunks(ball):
    points = np.random.default_rng(0).standard_normal((300, 3))
    whole = surface_distances(points, *ball)
    parts = np.concatenate([surface_distances(p, *ball) for p in np.array_split(points, 7)])
    np.testing.assert_allclose(whole, parts, atol=1e-14)
    np.testing.assert_allclose(whole, np.abs(np.linalg.norm(points, axis=1) - 1), atol=0.01)
