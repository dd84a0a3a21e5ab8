"""Faces as runs of pixels, beside the test of every pixel against every edge."""

import numpy as np
import torch

from mmhand.renderers.spans import face_edges, pixel_runs


def pixels_of(corners, size, per_chunk=None):
    """Set of (face, row, column) in triangles (N, 3, 3) of (u, v, z)."""
    homogeneous = corners * np.concatenate(
        (corners[..., 2:], corners[..., 2:], corners[..., 2:] * 0 + 1), -1
    )
    flat = torch.from_numpy(homogeneous.reshape(-1, 9).T.copy())
    edges, kept = face_edges(flat, size)
    found = set()
    for runs in pixel_runs(edges, size[1], per_chunk):
        for face, pixel, depth in zip(runs.face, runs.pixel, runs.depth, strict=True):
            place = (int(kept[face]), *divmod(int(pixel), size[1]))
            assert place not in found
            low, high = corners[place[0], :, 2].min(), corners[place[0], :, 2].max()
            assert low - 1e-4 < float(depth) < high + 1e-4
            found.add(place)
    return found


def cross(a, b):
    """Of vectors in the plane, which NumPy's own takes no more."""
    return a[0] * b[1] - a[1] * b[0]


def inside(corner, row, column):
    """Whether the pixel is in the triangle, borders included."""
    a, b, c = corner[:, :2]
    p = np.array([column, row], float)
    signs = [cross(q - o, p - o) for o, q in ((a, b), (b, c), (c, a))]
    return min(signs) >= -1e-9 or max(signs) <= 1e-9


def test_runs_hold_the_pixels_of_each_face_and_no_others():
    rng = np.random.default_rng(0)
    size = (17, 23)
    corners = rng.uniform((-6, -6, 0.5), (29, 23, 2.0), (60, 3, 3))
    corners[:20] = np.round(corners[:20, :, :2].repeat(2, -1)[..., [0, 2, 1]])
    corners[:20, :, 2] = 1.0
    expected = {
        (face, row, column)
        for face, corner in enumerate(corners)
        if abs(cross(corner[1, :2] - corner[0, :2], corner[2, :2] - corner[0, :2])) > 1e-6
        for row in range(size[0])
        for column in range(size[1])
        if inside(corner, row, column)
    }
    assert pixels_of(corners, size) == expected
    assert pixels_of(corners, size, per_chunk=7) == expected


def test_nothing_outside_and_nothing_without_area():
    away = np.array([[[-9.0, 2, 1], [-5, 3, 1], [-5, 9, 1]]])
    flat = np.array([[[1.0, 1, 1], [4, 4, 1], [2, 2, 1]]])
    assert not pixels_of(np.concatenate((away, flat)), (8, 8))
