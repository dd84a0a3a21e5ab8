"""Deterministic synthetic inputs for twohand_golden.json (two-hand spec).

Own code, no reference source.  Inputs come from sin() or from numpy legacy RandomState
(stable across numpy versions), so any re-implementation can rebuild the same numbers.  Reference
key names = the names in twohand_state_dict.txt (section v2).
"""

import math
import zlib

import numpy as np


def S(shape, k):
    """Deterministic pseudo-noise in [-1, 1]; element i (C order) = sin(12.9898 i + 78.233 k)."""
    n = int(np.prod(shape))
    return np.sin(np.arange(n, dtype=np.float64) * 12.9898 + k * 78.233).reshape(shape)


PARENTS = [4294967295, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14]
TIPS = [745, 317, 444, 556, 673]  # thumb, index, middle, ring, pinky (both hands!)


def synthetic_mano(side):
    """dict with the keys of MANO_{RIGHT,LEFT}.pkl.  `shapedirs` is identical for both
    sides on purpose, so the left-hand x-sign fix must trigger."""
    J = np.zeros((16, 3))
    base = {
        1: (0.09, 0.0, 0.025),
        4: (0.095, 0.004, 0.0),
        7: (0.07, 0.0, -0.045),
        10: (0.085, 0.002, -0.025),
        13: (0.03, -0.01, 0.03),
    }
    for k, d in base.items():
        d = np.array(d)
        u = d / np.linalg.norm(d)
        J[k], J[k + 1], J[k + 2] = d, d + 0.03 * u, d + 0.055 * u
    own = np.minimum(np.arange(778) // 49, 15)
    v = J[own] + 0.006 * S((778, 3), 1)
    par = np.array([0 if p > 100 else p for p in PARENTS])
    W = np.zeros((778, 16))
    W[np.arange(778), own] = 0.8
    W[np.arange(778), par[own]] += 0.2
    Jr = np.zeros((16, 778))
    for j in range(16):
        idx = np.where(own == j)[0]
        Jr[j, idx] = 1.0 / len(idx)
    sd = 0.002 * S((778, 3, 10), 2)
    pd = 0.0005 * S((778, 3, 135), 3)
    n = np.arange(1538)
    f = np.stack([n % 778, (n * 7 + 1) % 778, (n * 13 + 2) % 778], 1).astype(np.uint32)
    hm = 0.2 * S((45,), 4)
    if side == 'left':
        v = v * np.array([-1, 1, 1])
        hm = (hm.reshape(15, 3) * np.array([1, -1, -1])).reshape(-1)
    return dict(
        v_template=v,
        f=f,
        shapedirs=sd,
        posedirs=pd,
        J_regressor=Jr,
        weights=W,
        kintree_table=np.array([PARENTS, list(range(16))], dtype=np.int64),
        hands_mean=hm,
        hands_components=np.eye(45),
        bs_style='lbs',
        bs_type='lrotmin',
        J=Jr @ v,
    )


def fill(name, shape):
    """Fake checkpoint tensor for reference key `name` (skip *.mano_layer.* and *.num_batches_tracked).
    numpy's legacy RandomState seeded by crc32(name): stable across numpy versions."""
    x = np.zeros(())
    if len(shape):
        x = np.random.RandomState(zlib.crc32(name.encode())).randn(*shape)  # noqa: NPY002
    if name.endswith('running_var'):
        return 1 + 0.1 * np.abs(x)
    if name.endswith('running_mean'):
        return 0.1 * x
    if len(shape) == 1 and name.endswith('.weight'):  # BN gamma
        return 1 + 0.1 * x
    if name.endswith('.bias'):
        return 0.05 * x
    fan = shape[0] * 4 if 'deconv' in name else int(np.prod(shape[1:]))
    gain = 2.0
    if 'conv3' in name:  # keep the BN-free residual branches bounded
        gain = 0.2
    if 'joint_conv' in name:
        gain = 4.0
    if 'pose_reg' in name or 'shape_reg' in name or 'final_layer' in name:
        gain = 2.0 if 'cascaded' in name else 0.005
    return x * math.sqrt(gain / fan)


def net_image():
    """(2,3,256,256) RGB in [0,1]: smooth pattern + RandomState noise."""
    b, c, i, j = np.meshgrid(
        np.arange(2), np.arange(3), np.arange(256), np.arange(256), indexing='ij'
    )
    x = 0.5 + 0.35 * np.sin(0.05 * (b + 1) * i + 0.07 * (c + 1) * j + 0.9 * b + c)
    noise = np.random.RandomState(7).randn(2, 3, 256, 256)  # noqa: NPY002
    return np.clip(x + 0.1 * noise, 0, 1)


def register_inputs():
    """joints J (1,21,3) in mm and heat-map peaks xyc (1,21,3) on the 64 grid (x, y, confidence)."""
    J = np.concatenate([60 * S((21, 1), 14) + 40, 50 * S((21, 1), 15), 30 * S((21, 1), 16)], -1)[
        None
    ]
    xy = np.round(0.2 * J[..., :2] + np.array([24.0, 33.0]) + 1.5 * S((1, 21, 2), 11))
    return np.concatenate([xy, 200 + 50 * S((1, 21, 1), 13)], -1), J


def loss_inputs():
    B, n = 2, 4
    out = dict(
        joints3d=80 * S((B, n, 42, 3), 21),
        shape=S((B, n, 20), 22),
        pose=0.5 * S((B, n, 96), 23),
        T_pose=80 * S((B, n, 32, 3), 24),
        trans=0.3 * S((B, 4), 25),
    )
    tgt = dict(
        joint_coord=90 * S((B, 42, 3), 26), hand_type=np.ones((B, 2)), shape_param=S((B, 20), 27)
    )
    jv = np.ones((B, 42))
    jv[0, 5] = jv[1, 30] = jv[1, 13] = 0
    return out, tgt, dict(joint_valid=jv, mano_valid=np.array([[1.0, 1.0], [1.0, 0.0]]))


BBOX = [100.0, 150.0, 120.0, 80.0]  # x, y, w, h in a 334 (w) x 512 (h) image
AUG = dict(trans=(0.1, -0.05), scale=1.2, rot=30.0, flip=True, color=(1.1, 0.9, 1.0))


def aug_inputs():
    """camera-space joints (42,3) mm, joint_valid (42,), hand_type (2,), betas (20,); image 128."""
    return (
        (100 * S((42, 3), 31)).astype(np.float32),
        (np.arange(42) % 5 != 0).astype(np.float32),
        np.array([1, 0], np.float32),
        np.arange(20, dtype=np.float32),
    )


CAMROT = np.array(
    [
        [0.9201921, -0.0121402, -0.3912788],
        [0.0615051, 0.9915890, 0.1138789],
        [0.3866053, -0.1288561, 0.9131991],
    ],
    np.float32,
)
CAMPOS = np.array([-415.194, 132.2495, 59.565], np.float32)  # mm


def eval_sample(n):
    """MANO world parameters of sample n (n = 0,1,2): betas (20,), pose (96,), trans (6,) metres."""
    return (
        (0.5 * S((20,), 40 + n)).astype(np.float32),
        (0.4 * S((96,), 50 + n)).astype(np.float32),
        np.array([0.05, 0.02, 1.0, -0.08, 0.03, 1.05], np.float32),
    )


def eval_valid(n):
    """joint_valid (42,), mano_valid (2,).  Sample 1 has an invalid left hand."""
    jv = np.ones(42, np.float32)
    jv[(n * 7) % 42] = 0
    if n == 1:
        jv[21:] = 0
    return jv, np.array([1, 0 if n == 1 else 1], np.float32)


def eval_prediction(n, gt_joints_cam, gt_verts_cam):
    """prediction = 1.1 * (GT + 5 mm pseudo-noise), both in camera space, mm."""
    return (1.1 * (gt_joints_cam + 5 * S((42, 3), 60 + n))).astype(np.float32), (
        1.1 * (gt_verts_cam + 5 * S((1556, 3), 70 + n))
    ).astype(np.float32)


def mano_inputs():
    """pose (2,48) = [global axis-angle | 45 offsets from hands_mean], betas (2,10)."""
    return 0.3 * S((2, 48), 81), 0.7 * S((2, 10), 82)
