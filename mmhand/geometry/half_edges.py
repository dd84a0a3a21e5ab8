"""Half-edges of a triangle mesh, linked face by face, and the order of vertices around a vertex.

A vertex's neighbours have a cyclic order; where it starts depends on which outgoing half-edge a vertex
remembers, and so on the order in which faces were added. The bookkeeping here is OpenMesh's, so that
sequences of neighbours are those that networks were trained with.
"""

import numpy as np


class HalfEdges:
    """Half-edge structure of triangles.

    Half-edges 2k and 2k + 1 are opposite to each other. A triangle that would give an edge a third face,
    or join two fans at one vertex, is left out.

    Args:
        faces: (F, 3) vertex indices.
        num_vertices: V.

    Attributes:
        skipped: number of triangles left out.
    """

    def __init__(self, faces: np.ndarray, num_vertices: int) -> None:
        self._to: list[int] = []
        self._next: list[int] = []
        self._prev: list[int] = []
        self._face: list[int] = []
        self._by_ends: dict[tuple[int, int], int] = {}
        self._outgoing = [-1] * num_vertices
        self.skipped = 0
        for number, face in enumerate(np.asarray(faces).tolist()):
            self.skipped += not self._add_face(number, face)

    def ring(self, vertex: int) -> list[int]:
        """Neighbours of a vertex, clockwise from its remembered half-edge."""
        return [self._to[edge] for edge in self._outgoing_edges(vertex)]

    def rings(self) -> list[list[int]]:
        """:meth:`ring` of every vertex."""
        return [self.ring(vertex) for vertex in range(len(self._outgoing))]

    def _outgoing_edges(self, vertex: int) -> list[int]:
        first = self._outgoing[vertex]
        edges = []
        edge = first
        while edge >= 0:
            edges.append(edge)
            edge = self._next[edge ^ 1]
            if edge == first or len(edges) > len(self._to):
                break
        return edges

    def _is_boundary(self, edge: int) -> bool:
        return self._face[edge] < 0

    def _free(self, vertex: int) -> bool:
        """Whether another face fits at a vertex."""
        edge = self._outgoing[vertex]
        return edge < 0 or self._is_boundary(edge)

    def _add_face(self, number: int, face: list[int]) -> bool:
        pairs = [(face[i], face[(i + 1) % 3]) for i in range(3)]
        edges = [self._by_ends.get(pair, -1) for pair in pairs]
        if len(set(face)) < 3 or not all(map(self._free, face)):
            return False
        if any(edge >= 0 and not self._is_boundary(edge) for edge in edges):
            return False
        links: list[tuple[int, int]] = []
        for i in range(3):
            prev, following = edges[i], edges[(i + 1) % 3]
            if prev >= 0 and following >= 0 and self._next[prev] != following:
                moved = self._make_gap(prev, following)
                if moved is None:
                    return False
                links += moved
        new = [edge < 0 for edge in edges]
        edges = [
            self._new_edge(*pair) if edge < 0 else edge
            for pair, edge in zip(pairs, edges, strict=True)
        ]
        adjust = []
        for i in range(3):
            j = (i + 1) % 3
            vertex, prev, following = face[j], edges[i], edges[j]
            if new[i] or new[j]:
                links += self._corner(vertex, prev, following, new[i], new[j])
                links.append((prev, following))
            elif self._outgoing[vertex] == following:
                adjust.append(vertex)
            self._face[edges[i]] = number
        for prev, following in links:
            self._next[prev], self._prev[following] = following, prev
        for vertex in adjust:
            boundary = (e for e in self._outgoing_edges(vertex) if self._is_boundary(e))
            self._outgoing[vertex] = next(boundary, self._outgoing[vertex])
        return True

    def _corner(
        self, vertex: int, prev: int, following: int, prev_new: bool, next_new: bool
    ) -> list[tuple[int, int]]:
        """Links of the boundary around a new face's corner; may set the vertex's half-edge."""
        outer_prev, outer_next = following ^ 1, prev ^ 1
        if not next_new:
            self._outgoing[vertex] = outer_next
            return [(self._prev[following], outer_next)]
        if not prev_new:
            after = self._next[prev]
            self._outgoing[vertex] = after
            return [(outer_prev, after)]
        after = self._outgoing[vertex]
        if after < 0:
            self._outgoing[vertex] = outer_next
            return [(outer_prev, outer_next)]
        return [(self._prev[after], outer_next), (outer_prev, after)]

    def _make_gap(self, prev: int, following: int) -> list[tuple[int, int]] | None:
        """Links that move the patch between two half-edges elsewhere in the vertex's boundary."""
        before = following ^ 1
        for _ in range(len(self._to)):
            before = self._next[before] ^ 1
            if self._is_boundary(before):
                break
        if before == prev or not self._is_boundary(before):
            return None
        start, end = self._next[prev], self._prev[following]
        return [(before, start), (end, self._next[before]), (prev, following)]

    def _new_edge(self, start: int, end: int) -> int:
        edge = len(self._to)
        self._to += [end, start]
        self._next += [-1, -1]
        self._prev += [-1, -1]
        self._face += [-1, -1]
        self._by_ends[start, end], self._by_ends[end, start] = edge, edge + 1
        return edge
