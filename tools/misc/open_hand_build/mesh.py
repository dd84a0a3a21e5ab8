"""Cut the hand's skin off the body and give it skinning weights."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from mmhand.structures.joint_sets import MANO_FINGERS, get_joint_set

from .anny_source import AnnySource

NAMES = get_joint_set('mano16').joints
FINGER_NUMBER = {'thumb': 1, 'index': 2, 'middle': 3, 'ring': 4, 'pinky': 5}

#: How far behind the wrist joint the forearm is cut, metres at the body's own size.
CUT_BEHIND = 0.026

#: A vertex this near the cut is taken as lying on it, which avoids slivers.
SNAP = 0.003

#: Half-length of the zone where a finger's base blends into the palm, metres.
BLEND = 0.012

#: Skin that is nearer to its own finger than to the next by less than this is web, metres.
WEB = 0.005

#: Rounds of smoothing of the skinning weights, and bones a vertex may follow.
SMOOTHING, INFLUENCES = 3, 5


@dataclass
class HandSkin:
    """The cut skin, open at the wrist.

    Attributes:
        blend: (V, N) sparse rows of sum 1: each vertex as a mix of the body's vertices.
        faces: (F, 3).
        face_uv: (F, 3, 2) texture coordinates of the corners.
    """

    blend: sp.csr_matrix
    faces: np.ndarray
    face_uv: np.ndarray


def unit(x: np.ndarray) -> np.ndarray:
    """Scale (..., 3) vectors to length one."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _triangulate(
    vertices: np.ndarray, quads: np.ndarray, uv: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Split every quad along its shorter diagonal: (2F, 3) triangles and (2F, 3, 2) corners."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    short = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1)
    one = np.where(short[:, None], [0, 1, 2], [0, 1, 3])
    two = np.where(short[:, None], [0, 2, 3], [1, 2, 3])
    picks = np.concatenate([one, two])
    twice = np.tile(np.arange(len(quads)), 2)[:, None]
    return quads[twice, picks], uv[twice, picks]


def cut_hand(source: AnnySource, vertices: np.ndarray) -> HandSkin:
    """Cut the right hand's skin with a plane across the forearm.

    Args:
        source: the body.
        vertices: (N, 3) average body in the hand's frame, wrist at the origin, fingers at -x.
    """
    mass = np.zeros(len(vertices))
    for bone, (index, weight) in source.weights.items():
        if bone.endswith('.R') and bone.startswith(('finger', 'metacarpal', 'wrist', 'lowerarm')):
            mass[index] += weight
    arm = (mass[source.faces] > 0.4).all(1) & (vertices[source.faces, 0] < 0.1).all(1)
    triangles, uv = _triangulate(vertices, source.faces[arm], source.face_uv[arm])
    behind = vertices[:, 0] - CUT_BEHIND
    behind[np.abs(behind) < SNAP] = 0
    side = behind[triangles]
    inside = (side <= 0).all(1) & (side < 0).any(1)
    faces, corners = list(triangles[inside]), list(uv[inside])
    rows: dict[tuple[int, int], int] = {}
    crossing = (side < 0).any(1) & (side > 0).any(1)
    for tri, tri_uv in zip(triangles[crossing], uv[crossing], strict=True):
        polygon, polygon_uv = [], []
        for k in range(3):
            i, j = tri[k], tri[(k + 1) % 3]
            if behind[i] <= 0:
                polygon.append(i)
                polygon_uv.append(tri_uv[k])
            if behind[i] * behind[j] < 0:
                key = (min(i, j), max(i, j))
                polygon.append(rows.setdefault(key, len(vertices) + len(rows)))
                t = behind[i] / (behind[i] - behind[j])
                polygon_uv.append((1 - t) * tri_uv[k] + t * tri_uv[(k + 1) % 3])
        for k in range(1, len(polygon) - 1):
            faces.append([polygon[0], polygon[k], polygon[k + 1]])
            corners.append([polygon_uv[0], polygon_uv[k], polygon_uv[k + 1]])
    used, index = np.unique(np.array(faces), return_inverse=True)
    blend = sp.lil_matrix((len(vertices) + len(rows), len(vertices)))
    blend.setdiag(1)
    for (i, j), row in rows.items():
        t = behind[i] / (behind[i] - behind[j])
        blend[row, i], blend[row, j] = 1 - t, t
    return HandSkin(blend.tocsr()[used], index.reshape(-1, 3), np.array(corners))


def mesh_laplacian(vertices: np.ndarray, faces: np.ndarray) -> sp.csr_matrix:
    """(V, V) cotangent Laplacian (negative semi-definite), weights kept positive."""
    half = sp.csr_matrix((len(vertices), len(vertices)))
    for k in range(3):
        i, j, o = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        u, v = vertices[i] - vertices[o], vertices[j] - vertices[o]
        cot = (u * v).sum(1) / np.linalg.norm(np.cross(u, v), axis=1)
        half = half + sp.coo_matrix((np.clip(cot, 0.02, 20) / 2, (i, j)), shape=half.shape)
    full = (half + half.T).tocsr()
    return full - sp.diags(np.asarray(full.sum(1)).ravel())


def phalanx_masses(source: AnnySource, blend: sp.csr_matrix) -> dict[str, np.ndarray]:
    """The body's own (V,) weight of each finger bone, by our joint name."""
    out = {}
    for finger, number in FINGER_NUMBER.items():
        for level in (1, 2, 3):
            rows, values = source.weights[f'finger{number}-{level}.R']
            full = np.zeros(len(source.vertices))
            full[rows] = values
            out[f'{finger}{level}'] = blend @ full
    return out


def skin_weights(
    source: AnnySource, skin: HandSkin, vertices: np.ndarray, joints: dict[str, np.ndarray]
) -> np.ndarray:
    """(V, 16) smooth weights; metacarpals and forearm are folded into the wrist.

    The body's own weights part a finger's bones from each other. Its knuckles were moved, so
    where a finger leaves the palm the weights come from a harmonic function between palm and
    finger instead.

    Args:
        source: the body.
        skin: the cut skin.
        vertices: (V, 3) its average shape in the hand's frame.
        joints: joint name to (3,) position in that frame.
    """
    mass = phalanx_masses(source, skin.blend)
    fingers = [f for f in MANO_FINGERS if f != 'thumb']
    total = {f: sum(mass[f'{f}{level}'] for level in (1, 2, 3)) for f in MANO_FINGERS}
    distance, along = [], []
    for finger in fingers:
        knuckle = joints[f'{finger}1']
        palm, bone = unit(knuckle - joints['wrist']), unit(joints[f'{finger}2'] - knuckle)
        offset = vertices - knuckle
        t = offset @ unit(palm + bone)
        axis = np.where(t[:, None] > 0, bone, palm)
        lateral = offset - (offset * axis).sum(1, keepdims=True) * axis
        distance.append(np.linalg.norm(lateral, axis=1))
        along.append(t)
    # Beyond the webs the body's weights tell whose skin it is, else the nearest finger has it.
    body = np.array([total[finger] for finger in fingers])
    own = np.where(body.max(0) > 0.5, body.argmax(0), np.argmin(distance, 0))
    t = np.choose(own, along)
    others = np.where(np.arange(len(fingers))[:, None] == own, np.inf, distance).min(0)
    web = others - np.choose(own, distance) < WEB
    thumb = total['thumb'] > 0.3
    finger_side = (t > BLEND) & ~web & ~thumb
    fixed = (t < -BLEND) | finger_side | thumb
    value = np.zeros((len(vertices), len(fingers)))
    value[finger_side, own[finger_side]] = 1
    laplacian = mesh_laplacian(vertices, skin.faces)
    inner = laplacian[~fixed]
    value[~fixed] = spsolve(inner[:, ~fixed].tocsc(), -inner[:, fixed] @ value[fixed])
    whole = {f: value[:, k] * (1 - total['thumb']) for k, f in enumerate(fingers)}
    whole['thumb'] = total['thumb']
    weights = np.zeros((len(vertices), len(NAMES)))
    for finger in MANO_FINGERS:
        first, second, third = (NAMES.index(f'{finger}{level}') for level in (1, 2, 3))
        share = whole[finger] / np.maximum(total[finger], 0.05)
        weights[:, second] = mass[f'{finger}2'] * share
        weights[:, third] = mass[f'{finger}3'] * share
        weights[:, first] = whole[finger] - weights[:, second] - weights[:, third]
    return _finish(weights, skin.faces)


def _finish(weights: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Smooth weights over the mesh, give the wrist the rest, keep the strongest bones."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    adjacency = sp.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(weights),) * 2)
    adjacency = ((adjacency + adjacency.T) > 0).astype(float).tocsr()
    mean = sp.diags(1 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
    weights[:, 0] = np.clip(1 - weights[:, 1:].sum(1), 0, None)
    for _ in range(SMOOTHING):
        weights = 0.5 * weights + 0.5 * (mean @ weights)
    weights[weights < np.sort(weights, 1)[:, -INFLUENCES, None]] = 0
    weights[weights < 0.004] = 0
    return weights / weights.sum(1, keepdims=True)


def pack_uv(face_uv: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay the texture's islands side by side in the unit square.

    Args:
        face_uv: (F, 3, 2) corners in the body's texture, where the islands lie far apart.
        faces: (F, 3) vertex indices.

    Returns:
        (U, 2) texture coordinates and (F, 3) indices into them.
    """
    keys = np.concatenate([faces[..., None], np.round(face_uv, 6)], -1).reshape(-1, 3)
    unique, index = np.unique(keys, axis=0, return_inverse=True)
    index = index.reshape(-1, 3)
    graph = sp.coo_matrix(
        (np.ones(index.size), (index.ravel(), np.roll(index, -1, 1).ravel())),
        shape=(len(unique),) * 2,
    )
    count, island = sp.csgraph.connected_components(graph, directed=False)
    uv = unique[:, 1:].copy()
    sizes = [np.ptp(uv[island == k], axis=0) for k in range(count)]
    left = 0.0
    for k in sorted(range(count), key=lambda k: -sizes[k].prod()):
        uv[island == k] += np.array([left, 0]) - uv[island == k].min(0)
        left += sizes[k][0] + 0.005
    return (uv / (uv.max() * 1.01) + 0.004), index
