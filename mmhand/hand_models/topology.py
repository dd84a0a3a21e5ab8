"""Facts about a mesh that follow from its faces."""

import numpy as np


def boundary_ring(faces: np.ndarray) -> np.ndarray:
    """Longest rim of an open mesh, in cyclic order.

    A hand cut at the wrist has one rim. It is ordered against the winding of the faces along it,
    so triangles ``(ring[i], ring[i + 1], centre)`` close the mesh with outward winding.

    Args:
        faces: (F, 3) vertex indices.

    Returns:
        (R,) int64 vertex indices starting at the smallest; empty when the mesh is closed or its
        border is not made of simple loops.
    """
    # Not at the top: reading hands does not need it.
    from trimesh.geometry import faces_to_edges
    from trimesh.grouping import group_rows

    edges = faces_to_edges(np.asarray(faces, dtype=np.int64))
    border = edges[group_rows(np.sort(edges, axis=1), require_count=1)]
    # Walk each border edge backwards: from its end to its start.
    follow: dict[int, int] = {}
    for start, end in border.tolist():
        if end in follow:
            return np.zeros(0, dtype=np.int64)
        follow[end] = start
    best: list[int] = []
    while follow:
        first, step = follow.popitem()
        loop = [first]
        while step != first and step in follow:
            loop.append(step)
            step = follow.pop(step)
        if step == first and len(loop) > len(best):
            best = loop
    ring = np.array(best, dtype=np.int64)
    return np.roll(ring, -int(ring.argmin())) if len(ring) else ring


def cut_components(faces: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Pieces into which a mesh falls when some of its edges are cut.

    Args:
        faces: (F, 3) vertex indices.
        cut: (E, 2) vertices of the edges to cut; those that the mesh does not have are ignored.

    Returns:
        (F,) piece of each face, numbered by first face.
    """
    from trimesh.graph import connected_component_labels, face_adjacency

    faces = np.asarray(faces, dtype=np.int64)
    pairs, edges = face_adjacency(faces, return_edges=True)
    size = max(int(faces.max()), int(cut.max(initial=0))) + 1
    cut = np.sort(np.asarray(cut, dtype=np.int64), axis=1) @ [size, 1]
    whole = ~np.isin(np.sort(edges, axis=1) @ [size, 1], cut)
    return connected_component_labels(pairs[whole], node_count=len(faces))
