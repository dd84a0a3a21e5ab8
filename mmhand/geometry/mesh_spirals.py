"""Spirals of vertices on a mesh (Gong et al., SpiralNet++, ICCVW 2019)."""

import numpy as np
from scipy.spatial import cKDTree

from .half_edges import HalfEdges


def mesh_spirals(vertices: np.ndarray, faces: np.ndarray, length: int = 27) -> np.ndarray:
    """The first vertices of the spiral around every vertex.

    A vertex, its one-ring, then ring after ring of what was not yet seen, each in the order of the one
    before. Where a part of the mesh has too few vertices, the nearest vertices in space take its
    place; a mesh that has fewer than ``length`` in all repeats the farthest one.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        length: L.

    Returns:
        (V, L) int64; column 0 is the vertex itself.
    """
    rings = HalfEdges(faces, len(vertices)).rings()
    spirals = np.zeros((len(vertices), length), dtype=np.int64)
    exhausted = []
    for vertex in range(len(vertices)):
        spiral = _spiral(rings, vertex, length)
        if len(spiral) < length:
            exhausted.append(vertex)
        else:
            spirals[vertex] = spiral[:length]
    if exhausted:
        near = cKDTree(vertices).query(vertices[exhausted], k=min(length, len(vertices)))[1]
        near = near.reshape(len(exhausted), -1)
        # Of vertices in one place any may come first; the spiral's own must.
        own = np.array(exhausted)[:, None]
        order = np.argsort(near != own, axis=1, kind='stable')
        near = np.take_along_axis(near, order, 1)
        near[:, :1] = own
        spirals[exhausted] = np.pad(near, ((0, 0), (0, length - near.shape[1])), mode='edge')
    return spirals


def _spiral(rings: list[list[int]], vertex: int, length: int) -> list[int]:
    spiral = [vertex]
    last = list(rings[vertex])
    following = _next_ring(rings, last, spiral)
    spiral += last
    while following and len(spiral) + len(following) < length:
        last = following
        following = _next_ring(rings, last, spiral)
        spiral += last
    # The release cuts the last ring only where there is one more; else it asks for nearest vertices.
    return spiral + following if following else []


def _next_ring(rings: list[list[int]], last: list[int], seen: list[int]) -> list[int]:
    """Unseen vertices next to a ring: around each member from the ring's own neighbour on."""
    members, known, out = set(last), {*last, *seen}, []
    for vertex in last:
        ring = rings[vertex]
        start = next((i for i, other in enumerate(ring) if other in members), len(ring))
        # Those after the first member of the ring, then those before it.
        for other in (*ring[start:], *ring[:start]):
            if other not in known:
                known.add(other)
                out.append(other)
    return out
