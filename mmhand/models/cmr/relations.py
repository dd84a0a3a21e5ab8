"""Maps of joints that belong together, as an input of the last stage."""

from itertools import combinations

import torch
from torch import Tensor

from mmhand.structures.joint_sets import CANONICAL, FINGERS, tip_joints

_PAIRS = tuple(combinations([CANONICAL.index(tip) for tip in tip_joints()], 2))
_FIRST, _SECOND = ([pair[side] for pair in _PAIRS] for side in (0, 1))
_WHOLE = tuple(
    tuple(CANONICAL.index(f'{finger}{level}') for level in (1, 2, 3, 4)) for finger in FINGERS
)


def tip_relations(heatmaps: Tensor) -> Tensor:
    """Sums of the maps of every two fingertips.

    Args:
        heatmaps: (B, 21, H, W), canonical order.

    Returns:
        (B, 10, H, W): thumb with index, middle, ring, pinky, index with middle, and so on.
    """
    return heatmaps[:, _FIRST] + heatmaps[:, _SECOND]


def finger_relations(heatmaps: Tensor) -> Tensor:
    """:func:`tip_relations` and the sums of each finger's four maps: (B, 15, H, W)."""
    fingers = heatmaps[:, _WHOLE].sum(2)
    return torch.cat((tip_relations(heatmaps), fingers), dim=1)
