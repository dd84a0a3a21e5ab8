"""How deep the fingers of one hand run into each other or the palm, from the joints alone.

Every finger bone is a capsule; so is the way from the wrist to each knuckle. That is coarse, but
cheap enough to sift sampled poses by the thousand.
"""

import functools

import torch
from torch import Tensor

from mmhand.structures.joint_sets import FINGERS, get_joint_set

#: Capsule radii of the finger bones, base to tip, and of the way from wrist to knuckle, as parts of
#: the distance from wrist to middle knuckle; measured on OpenHand's average shape. The palm's is
#: smaller than measured, for its flesh gives way.
RADII: dict[str, tuple[float, float, float, float]] = {
    'thumb': (0.145, 0.118, 0.098, 0.105),
    'index': (0.118, 0.108, 0.088, 0.105),
    'middle': (0.122, 0.104, 0.088, 0.105),
    'ring': (0.112, 0.095, 0.082, 0.105),
    'pinky': (0.093, 0.080, 0.070, 0.105),
}


@functools.cache
def _pairs() -> tuple[Tensor, Tensor, Tensor]:
    """(P, 2) start and end joints of capsules a and b of each pair, and (P,) sums of radii."""
    canonical = get_joint_set('canonical')

    def capsule(finger: str, bone: int) -> tuple[int, int, float]:
        """Bone 0 joins wrist and knuckle, 1 to 3 are the finger's own."""
        start = 'wrist' if bone == 0 else f'{finger}{bone}'
        ends = canonical.index(start), canonical.index(f'{finger}{bone + 1}')
        return *ends, RADII[finger][bone - 1]

    pairs = []
    for i, one in enumerate(FINGERS):
        for two in FINGERS[i + 1 :]:
            # Neighbours touch at the root; the thumb's first bone is a part of the palm.
            low = 2 if one != 'thumb' else 1
            pairs += [
                (capsule(one, a), capsule(two, b))
                for a in (1, 2, 3)
                for b in (1, 2, 3)
                if max(a, b) >= low and (one != 'thumb' or (a, b) != (1, 1))
            ]
        # The last two bones of a long finger, the last of the thumb, against the palm.
        bones = (3,) if one == 'thumb' else (2, 3)
        pairs += [(capsule(one, a), capsule(two, 0)) for a in bones for two in FINGERS[1:]]
    a = torch.tensor([pair[0][:2] for pair in pairs])
    b = torch.tensor([pair[1][:2] for pair in pairs])
    return a, b, torch.tensor([pair[0][2] + pair[1][2] for pair in pairs])


def _segment_distance(p: Tensor, u: Tensor, q: Tensor, v: Tensor) -> Tensor:
    """Distance of segments ``p + s u`` and ``q + t v`` with s, t in [0, 1]; all (..., 3)."""
    w = p - q
    a, b, c = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    d, e = (u * w).sum(-1), (v * w).sum(-1)
    s = ((b * e - c * d) / (a * c - b * b).clamp(min=1e-12)).clamp(0, 1)
    t = ((b * s + e) / c).clamp(0, 1)
    s = ((b * t - d) / a).clamp(0, 1)
    gap = w + s[..., None] * u - t[..., None] * v
    return gap.square().sum(-1).clamp(min=1e-16).sqrt()


def self_penetration(joints: Tensor) -> Tensor:
    """Depth of the worst overlap between a hand's own parts.

    Args:
        joints: (B, 21, 3) metres, canonical order.

    Returns:
        (B,) metres, 0 where nothing overlaps.
    """
    a, b, radii = (x.to(joints.device) for x in _pairs())
    size = (joints[:, get_joint_set('canonical').index('middle1')] - joints[:, 0]).norm(dim=-1)
    start_a, end_a = joints[:, a[:, 0]], joints[:, a[:, 1]]
    start_b, end_b = joints[:, b[:, 0]], joints[:, b[:, 1]]
    distance = _segment_distance(start_a, end_a - start_a, start_b, end_b - start_b)
    return (radii * size[:, None] - distance).amax(dim=1).clamp(min=0)
