"""From a coarse mesh to a finer one: each fine vertex as a combination of coarse ones."""

import numpy as np

#: (point, face) pairs compared at once.
_CHUNK = 1 << 19

#: Corners of a triangle's edges, in the order of feature codes 1 to 3.
_EDGES = np.array([[0, 1], [1, 2], [2, 0]])


def upsampling_matrix(
    fine: np.ndarray, coarse: np.ndarray, faces: np.ndarray, affine: bool = False
) -> np.ndarray:
    """Weights that put fine vertices on a coarse mesh (Ranjan et al., ECCV 2018).

    A vertex depends on the corners of what is nearest to it: a face, an edge, or a vertex. The weights
    are the least-squares solution in positions: on a face of the nearest point, on an edge of the vertex
    itself. They need not sum to one, so the mesh's place relative to the origin matters; ``affine``
    takes the barycentric coordinates of the nearest point instead, which do.

    Args:
        fine: (N, 3).
        coarse: (M, 3), same unit and frame.
        faces: (F, 3) of the coarse mesh.
        affine: weights sum to one.

    Returns:
        (N, M) float64, at most three entries a row are not zero.
    """
    fine, coarse = np.asarray(fine, np.float64), np.asarray(coarse, np.float64)
    face, bary = nearest_on_mesh(fine, coarse, faces)
    corners = np.asarray(faces)[face]
    triangles = coarse[corners]
    weights = bary
    if not affine:
        touched = bary > 0
        weights = np.where(touched.sum(1, keepdims=True) == 1, bary, 0.0)
        inside = touched.all(1)
        nearest = np.einsum('nk,nki->ni', bary, triangles)
        solve = np.linalg.pinv(triangles[inside].transpose(0, 2, 1))
        weights[inside] = np.einsum('nki,ni->nk', solve, nearest[inside])
        for ends in _EDGES:
            rows = np.flatnonzero((touched.sum(1) == 2) & touched[:, ends].all(1))
            solve = np.linalg.pinv(triangles[rows][:, ends].transpose(0, 2, 1))
            weights[rows[:, None], ends] = np.einsum('nki,ni->nk', solve, fine[rows])
    matrix = np.zeros((len(fine), len(coarse)))
    matrix[np.arange(len(fine))[:, None], corners] = weights
    return matrix


def nearest_on_mesh(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest point of a mesh's surface to each point (Ericson, Real-Time Collision Detection §5.1.5).

    Args:
        points: (N, 3).
        vertices: (M, 3).
        faces: (F, 3).

    Returns:
        Face (N,) and barycentric coordinates (N, 3) in it; exactly zero for corners that the nearest
        feature (edge or vertex) does not have.
    """
    triangles = np.asarray(vertices, np.float64)[np.asarray(faces)]
    centers = triangles.mean(1)
    radii = np.linalg.norm(triangles - centers[:, None], axis=2).max(1)
    best = np.full(len(points), np.inf)
    face = np.zeros(len(points), dtype=np.int64)
    bary = np.zeros((len(points), 3))
    step = max(1, _CHUNK // len(triangles))
    for start in range(0, len(points), step):
        here = np.asarray(points[start : start + step], np.float64)
        gap = np.linalg.norm(here[:, None] - centers, axis=2)
        # No face is nearer than its ball, and none that could be nearest lies beyond another's far side.
        rows, columns = np.nonzero(gap - radii <= (gap + radii).min(1, keepdims=True) + 1e-12)
        coordinates = _closest(here[rows], triangles[columns])
        nearest = np.einsum('nk,nki->ni', coordinates, triangles[columns])
        squared = ((here[rows] - nearest) ** 2).sum(1)
        order = np.lexsort((squared, rows))
        first = order[np.unique(rows[order], return_index=True)[1]]
        part = slice(start, start + len(here))
        best[part], face[part], bary[part] = squared[first], columns[first], coordinates[first]
    return face, bary


def _closest(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Barycentric coordinates (N, 3) of the point of triangles (N, 3, 3) nearest to points (N, 3)."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    ab, ac = b - a, c - a

    def dots(corner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offset = points - corner
        return (ab * offset).sum(1), (ac * offset).sum(1)

    (d1, d2), (d3, d4), (d5, d6) = dots(a), dots(b), dots(c)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    zero = np.zeros_like(d1)
    one = zero + 1
    with np.errstate(divide='ignore', invalid='ignore'):
        on_ab, on_ac = d1 / (d1 - d3), d2 / (d2 - d6)
        on_bc = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        inner = va + vb + vc
        cases = (
            ((d1 <= 0) & (d2 <= 0), (one, zero, zero)),
            ((d3 >= 0) & (d4 <= d3), (zero, one, zero)),
            ((vc <= 0) & (d1 >= 0) & (d3 <= 0), (1 - on_ab, on_ab, zero)),
            ((d6 >= 0) & (d5 <= d6), (zero, zero, one)),
            ((vb <= 0) & (d2 >= 0) & (d6 <= 0), (1 - on_ac, zero, on_ac)),
            ((va <= 0) & (d4 >= d3) & (d5 >= d6), (zero, 1 - on_bc, on_bc)),
            (inner > 0, (va / inner, vb / inner, vc / inner)),
        )
        tests = [test for test, _ in cases]
        return np.stack([np.select(tests, [v[k] for _, v in cases], 1 / 3) for k in range(3)], 1)
