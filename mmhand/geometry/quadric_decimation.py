"""Edge-collapse simplification by quadric errors that keeps a subset of the vertices.

The variant of mesh auto-encoders (Garland & Heckbert 1997; Ranjan et al., ECCV 2018): an edge collapses
onto one of its own ends, so a coarser level is a selection of the finer one's vertices.
"""

import heapq
import math

import numpy as np

from mmhand.utils.errors import HandDataError


def decimate(
    vertices: np.ndarray, faces: np.ndarray, factor: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Keep about ``factor`` of a mesh's vertices.

    Deterministic: edges of equal cost go in the order of the heap they were pushed to, column by
    column of the adjacency matrix.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        factor: of the vertices to keep, rounded up.

    Returns:
        Indices (V',) of the vertices kept, ascending, and the faces (F', 3) that name them by their
        new numbers.

    Raises:
        HandDataError: the mesh ran out of edges before it was small enough.
    """
    faces = np.array(faces, dtype=np.int64)
    points = np.concatenate([vertices, np.ones((len(vertices), 1))], 1).astype(np.float64)
    quadrics = vertex_quadrics(points, faces)
    target = math.ceil(len(vertices) * factor)
    heap, incident = _edge_heap(points, quadrics, faces)
    while (used := np.unique(faces)).size > target:
        if not heap:
            raise HandDataError(
                f'a mesh of {len(vertices)} vertices cannot be simplified to {target}: '
                f'{used.size} are left when no edge is'
            )
        entry = heapq.heappop(heap)
        cost, r, c = entry
        if r == c:
            continue
        both = quadrics[r] + quadrics[c]
        destroy_c, destroy_r = points[r] @ both @ points[r], points[c] @ both @ points[c]
        now = min(destroy_c, destroy_r)
        if now > cost:
            entry[0] = now
            heapq.heappush(heap, entry)
            continue
        gone, kept = (c, r) if destroy_c < destroy_r else (r, c)
        faces[faces == gone] = kept
        # Entries change their ends where they stand in the heap, as the reference does.
        for other in incident[gone]:
            other[1:] = [kept if end == gone else end for end in other[1:]]
        incident[kept] += incident.pop(gone)
        quadrics[r] = quadrics[c] = both
        a, b, c = faces.T
        faces = faces[(a != b) & (b != c) & (c != a)]
    number = np.full(len(vertices), -1)
    number[used] = np.arange(used.size)
    return used, number[faces]


def vertex_quadrics(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Squared distance to the planes of each vertex's faces as a quadratic form.

    Args:
        points: (V, 4) homogeneous.
        faces: (F, 3).

    Returns:
        (V, 4, 4).
    """
    planes = np.linalg.svd(points[faces])[2][:, -1]
    length = np.linalg.norm(planes[:, :3], axis=1, keepdims=True)
    # A face without area may have its plane at infinity: it constrains nothing.
    planes = np.where(length > 0, planes / np.where(length > 0, length, 1), 0)
    quadrics = np.zeros((len(points), 4, 4))
    outer = planes[:, :, None] * planes[:, None, :]
    np.add.at(quadrics, faces.T, outer)
    return quadrics


def _edge_heap(
    points: np.ndarray, quadrics: np.ndarray, faces: np.ndarray
) -> tuple[list[list], dict[int, list[list]]]:
    """Heap of ``[cost, r, c]``, one per edge with r < c, and the entries of each vertex."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges.sort(axis=1)
    edges = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)
    r, c = edges[np.lexsort((edges[:, 0], edges[:, 1]))].T
    both = quadrics[r] + quadrics[c]
    costs = np.minimum(
        np.einsum('ni,nij,nj->n', points[r], both, points[r]),
        np.einsum('ni,nij,nj->n', points[c], both, points[c]),
    )
    heap: list[list] = []
    incident: dict[int, list[list]] = {vertex: [] for vertex in range(len(points))}
    for cost, one, other in zip(costs.tolist(), r.tolist(), c.tolist(), strict=True):
        entry = [cost, one, other]
        heapq.heappush(heap, entry)
        incident[one].append(entry)
        incident[other].append(entry)
    return heap, incident
