"""A closed hand mesh as fifteen closed parts, and how much of them lies inside another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhand.hand_models.topology import cut_components
from mmhand.utils.errors import HandDataError

from .contact import inside

if TYPE_CHECKING:
    from mmhand.hand_models.mpe_hand import MPEHand

#: Parts of a hand: palm with the thumb's base, three bones of index, middle, little and ring finger, two
#: of the thumb; and the part each hangs on.
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13)

#: Of the joints in ``mano16`` order; the thumb's first bone belongs to the palm.
_PART_OF_JOINT = np.array([*range(13), 0, 13, 14])


@dataclass(frozen=True)
class MeshParts:
    """Pieces of a mesh, each closed by fans.

    Attributes:
        vertices: indices (n,) of the mesh's vertices that each part keeps.
        loops: rims of each part, (m,) indices of the mesh's vertices; the mean of each is the middle of
            a fan and follows the part's vertices.
        faces: (f, 3) of each part, into its own vertices and fans' middles.
    """

    vertices: tuple[np.ndarray, ...]
    loops: tuple[tuple[np.ndarray, ...], ...]
    faces: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.faces)

    @classmethod
    def from_labels(cls, faces: np.ndarray, labels: np.ndarray) -> 'MeshParts':
        """Cut a closed mesh where the labels of its faces change.

        Args:
            faces: (F, 3) of a closed mesh with outward faces.
            labels: (F,) part of each face, 0 to the number of parts less 1.

        Raises:
            HandDataError: a part's border is not made of simple loops.
        """
        pieces = [_close(np.asarray(faces)[labels == part]) for part in range(labels.max() + 1)]
        return cls(*map(tuple, zip(*pieces, strict=True)))

    def meshes(self, vertices: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Vertices and faces of each part of a posed mesh (V, 3)."""
        result = []
        for kept, loops, faces in zip(self.vertices, self.loops, self.faces, strict=True):
            middles = [vertices[loop].mean(0, keepdims=True) for loop in loops]
            result.append((np.concatenate((vertices[kept], *middles)), faces))
        return result


def _close(faces: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Vertices, rims and faces of one piece of a mesh."""
    edges = np.concatenate((faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]))
    _, place, count = np.unique(
        np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    border = edges[count[place.ravel()] == 1]
    follow = dict(border.tolist())
    if len(follow) != len(border):
        raise HandDataError('a part of the mesh touches itself at a vertex; its border is no loop')
    loops = []
    while follow:
        start, step = follow.popitem()
        loop = [start]
        while step != start:
            loop.append(step)
            step = follow.pop(step)
        loops.append(np.array(loop))
    kept = np.unique(faces)
    local = {vertex: index for index, vertex in enumerate(kept.tolist())}
    fans = [
        # Against the part's own way along its rim.
        (local[b], local[a], len(kept) + number)
        for number, loop in enumerate(loops)
        for a, b in zip(loop.tolist(), np.roll(loop, -1).tolist(), strict=True)
    ]
    own = np.searchsorted(kept, faces)
    closed = np.concatenate((own, np.array(fans).reshape(-1, 3))).astype(np.int64)
    return kept, tuple(loops), closed


def ring_labels(faces: np.ndarray, rings: Sequence[Sequence[int]]) -> np.ndarray | None:
    """Parts of a hand's faces between rings of vertices.

    Args:
        faces: (F, 3) of the closed mesh.
        rings: of the bones' ends, three a finger in the order of :data:`PARENTS`, two of the thumb.

    Returns:
        (F,) labels in that order; ``None`` where the mesh does not fall into fifteen parts there, that
        is, where it is another mesh.
    """
    edges = np.concatenate(
        [np.stack((ring, np.roll(ring, -1)), axis=1) for ring in map(np.array, rings)]
    )
    piece = cut_components(faces, edges)
    if piece.max() + 1 != len(PARENTS):
        return None
    touched = [
        frozenset(n for n, ring in enumerate(rings) if np.isin(ring, faces[piece == p]).all())
        for p in range(len(PARENTS))
    ]
    # A bone lies between its own ring and the next; rings are numbered like the bones they begin.
    children = {
        part: [k for k, up in enumerate(PARENTS) if up == part] for part in range(len(PARENTS))
    }
    wanted = {
        frozenset(k - 1 for k in ([part] if part else []) + children[part]): part
        for part in range(len(PARENTS))
    }
    if set(touched) != set(wanted):
        return None
    return np.array([wanted[rings_of] for rings_of in touched])[piece]


def joint_labels(faces: np.ndarray, part_labels: np.ndarray) -> np.ndarray:
    """Parts of a hand's faces by the joint that their vertices follow.

    Args:
        faces: (F, 3).
        part_labels: (V,) joint of each vertex in ``mano16`` order.

    Returns:
        (F,) labels in the order of :data:`PARENTS`: what two corners say, or the highest of three.
    """
    corner = np.sort(_PART_OF_JOINT[part_labels][faces], axis=1)
    return np.where(
        corner[:, 0] == corner[:, 1],
        corner[:, 0],
        np.where(corner[:, 1] == corner[:, 2], corner[:, 1], corner[:, 2]),
    )


def self_intersection_volume(
    vertices: np.ndarray, parts: MeshParts, pitch: float = 0.001, first_pitch: float = 0.002
) -> float:
    """Volume of a hand's surface that lies inside another part of it.

    The voxels that a part's surface passes through are counted where their centres lie inside an earlier
    part which it does not hang on, at a coarse size first and, where anything was found, at a fine one.

    Args:
        vertices: (V, 3) of the closed mesh, metres.
        parts: of the mesh.
        pitch: side of the fine voxels, metres.
        first_pitch: side of the coarse ones.

    Returns:
        Cubic metres.
    """
    # Not at the top: reading hands does not need it.
    from trimesh import Trimesh

    meshes = parts.meshes(np.asarray(vertices, dtype=np.float64))
    low = np.stack([mesh[0].min(0) for mesh in meshes])
    high = np.stack([mesh[0].max(0) for mesh in meshes])
    count = 0
    for size in (first_pitch, pitch):
        count = 0
        for second, mesh in enumerate(meshes):
            near = (low[second] - size <= high[:second]) & (high[second] + size >= low[:second])
            others = [k for k in np.flatnonzero(near.all(1)) if k != PARENTS[second]]
            if others:
                shell = Trimesh(*mesh, process=False).voxelized(size).points
                count += sum(int(inside(shell, *meshes[first]).sum()) for first in others)
        if not count:
            break
    return count * pitch**3


def hand_parts(hand: 'MPEHand') -> MeshParts:
    """Parts of a closed hand.

    Args:
        hand: an :class:`~mmhand.hand_models.MPEHand`. MANO is cut at its rings; any other hand where its
            vertices come to follow another joint.

    Raises:
        HandDataError: the hand's parts have no simple borders.
    """
    faces, model = hand.faces.cpu().numpy(), hand.hand_model
    labels = None
    rings: Sequence[Sequence[int]] | None = getattr(model, 'part_rings', None)
    if rings:
        labels = ring_labels(faces, rings)
    if labels is None:
        # The wrist closes the palm.
        labels = joint_labels(faces, np.append(model.part_labels.cpu().numpy(), 0))
    return MeshParts.from_labels(faces, labels)
