"""A hand as 66 spheres: what collides with what, and which part a point belongs to."""

import torch
from torch import Tensor, nn

from mmhand.structures.joint_sets import MANO_FINGERS, get_joint_set, joint_indices
from mmhand.utils.errors import HandConfigError

_ORDER = get_joint_set('dsf21')
_FINGERS = len(MANO_FINGERS)
#: Spheres of the palm between the wrist and each finger's base, and of each bone.
_PALM_STEPS, _BONE_STEPS = (0.2, 0.4, 0.6, 0.8), (0.0, 1 / 3, 2 / 3)
_PALM = 1 + _FINGERS * len(_PALM_STEPS)
#: Vertices whose distances make a joint's radius.
_NEAREST = 10


class SphereProxy(nn.Module):
    """Spheres about the wrist, the palm and the bones of hands in cube-normalised coordinates.

    The first is the wrist's; four follow on the way to each finger's base (index, middle, pinky, ring,
    thumb), then three on each of the fifteen bones. A joint's sphere reaches as far as the mean of the
    ten vertices nearest to it among those that regress it; a tip has two thirds of the last joint's.
    Gradients reach the joints alone. See docs/en/methods/dsf.md#sphere-proxy.

    Args:
        hand: a hand model with a ``joint_regressor``, or its
            :class:`~mmhand.hand_models.MPEHand`.
        gate: a sphere that overlaps others by as much or more in all counts for nothing.

    Attributes:
        num_spheres: 66.
        pair_mask: (66, 66) bool buffer, spheres that must not overlap.

    Raises:
        HandConfigError: the hand is not given by arrays.
    """

    pair_mask: Tensor
    _support: Tensor
    _supported: Tensor
    _to_dsf: Tensor
    _bases: Tensor
    _starts: Tensor
    _ends: Tensor
    _last: Tensor

    def __init__(self, hand: nn.Module, gate: float = 0.1) -> None:
        super().__init__()
        hand = getattr(hand, 'hand_model', hand)
        regressor = getattr(hand, 'joint_regressor', None)
        if not isinstance(regressor, Tensor):
            raise HandConfigError(f'SphereProxy takes a hand model, not {type(hand).__name__}')
        self.gate = gate
        support = regressor > 0
        width = max(int(support.sum(1).max()), 1)
        # The vertices of each joint's support, padded.
        index = support.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :width]

        def keep(name: str, value: Tensor) -> None:
            self.register_buffer(name, value.to(regressor.device), persistent=False)

        keep('_support', index)
        keep('_supported', support.gather(1, index.to(support.device)))
        keep('_to_dsf', torch.tensor(joint_indices('canonical', _ORDER.name)))
        names = _ORDER.joints
        bases = [names.index(f'{finger}1') for finger in MANO_FINGERS]
        chain = [
            [names.index(f'{finger}{level}') for level in (1, 2, 3, 4)] for finger in MANO_FINGERS
        ]
        keep('_bases', torch.tensor(bases))
        keep('_starts', torch.tensor([joint for finger in chain for joint in finger[:-1]]))
        keep('_ends', torch.tensor([joint for finger in chain for joint in finger[1:]]))
        keep('_last', torch.tensor([finger[2] for finger in chain]))
        keep('pair_mask', _pair_mask())
        self.num_spheres = len(self.pair_mask)

    def radii(self, joints: Tensor, vertices: Tensor) -> Tensor:
        """(B, 66) radii of a hand's spheres.

        Args:
            joints: (B, 21, 3) canonical order.
            vertices: (B, V, 3) or (B, V + 1, 3), same coordinates; no gradient reaches them.
        """
        chain = joints[:, self._to_dsf[: len(self._support)]]
        near = vertices.detach()[:, self._support]
        # Padding is far off; the square root is safe where a vertex is the joint.
        square = (near - chain[:, :, None]).square().sum(-1)
        distance = square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()
        distance = distance.masked_fill(~self._supported, torch.inf)
        count = self._supported.sum(1).clamp(min=1, max=_NEAREST)
        nearest = distance.topk(min(_NEAREST, distance.shape[-1]), largest=False).values
        nearest = torch.where(nearest.isfinite(), nearest, torch.zeros_like(nearest))
        radius = nearest.sum(-1) / count
        radius = torch.cat((radius, radius[:, self._last] / 1.5), dim=1)
        wrist = (radius[:, :1] - 0.05).clamp(0.01, 0.4)
        return self._along(radius[..., None], wrist[..., None]).squeeze(-1)

    def centers(self, joints: Tensor) -> Tensor:
        """(B, 66, 3) centres of the spheres of joints (B, 21, 3) in canonical order."""
        joints = joints[:, self._to_dsf]
        return self._along(joints, joints[:, :1])

    def _along(self, values: Tensor, wrist: Tensor) -> Tensor:
        """(B, 66, C) from joints' values (B, 21, C) and the wrist's own (B, 1, C)."""

        def between(start: Tensor, end: Tensor, steps: tuple[float, ...]) -> Tensor:
            t = start.new_tensor(steps)[:, None]
            return (start[:, :, None] + t * (end - start)[:, :, None]).flatten(1, 2)

        bases = values[:, self._bases]
        palm = between(wrist.expand_as(bases), bases, _PALM_STEPS)
        bones = between(values[:, self._starts], values[:, self._ends], _BONE_STEPS)
        return torch.cat((wrist, palm, bones), dim=1)

    def forward(self, joints: Tensor, vertices: Tensor) -> tuple[Tensor, Tensor]:
        """Spheres of hands.

        Args:
            joints: (B, 21, 3) canonical order, cube-normalised.
            vertices: (B, V, 3) or (B, V + 1, 3), the same.

        Returns:
            (B, 66, 3) centres and (B, 66) radii.
        """
        return self.centers(joints), self.radii(joints, vertices)

    def overlaps(self, centers: Tensor, radii: Tensor, gated: bool = True) -> Tensor:
        """How far each sphere reaches into those it must not touch, in all.

        Args:
            centers: (B, 66, 3).
            radii: (B, 66).
            gated: count spheres at or above the gate as 0.

        Returns:
            (B, 66).
        """
        square = (centers[:, :, None] - centers[:, None]).square().sum(-1)
        distance = square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()
        reach = (radii[:, :, None] + radii[:, None] - distance).relu()
        total = (reach * self.pair_mask).sum(-1)
        return torch.where(total < self.gate, total, torch.zeros_like(total)) if gated else total

    def loss(self, joints: Tensor, vertices: Tensor) -> Tensor:
        """Mean gated overlap of all spheres of all hands."""
        return self.overlaps(*self(joints, vertices)).mean()

    def segment(self, points: Tensor, joints: Tensor, radii: Tensor) -> Tensor:
        """Part of the hand that each point belongs to: that of the nearest sphere's surface.

        Args:
            points: (B, N, 3).
            joints: (B, 21, 3) canonical order; they place the spheres.
            radii: (B, 66), of the same hand or another estimate of it.

        Returns:
            (B, N) int64: 0 palm, k in 1 to 15 the bone that starts at joint k of ``mano16``.
        """
        distance = torch.cdist(
            points, self.centers(joints), compute_mode='donot_use_mm_for_euclid_dist'
        )
        residual = (distance - radii[:, None]).abs()
        best, bone = residual[..., _PALM:].min(-1)
        label = torch.div(bone, len(_BONE_STEPS), rounding_mode='floor') + 1
        return torch.where(residual[..., :_PALM].amin(-1) < best, 0, label)


def _pair_mask() -> Tensor:
    """(66, 66) bool; spheres of one finger's neighbouring bones, and of the palm, may overlap."""
    steps, bones = len(_BONE_STEPS), 3 * _FINGERS
    bone = torch.cat((torch.full((_PALM,), -1), torch.arange(bones).repeat_interleave(steps)))
    palm = bone < 0
    finger, level = bone.div(3, rounding_mode='floor'), bone % 3
    allowed = palm[:, None] & palm
    same = (finger[:, None] == finger) & ~palm[:, None] & ~palm
    allowed |= same & ((level[:, None] - level).abs() <= 1)
    # A finger's root bone and the last sphere on the palm's way to it.
    order = torch.arange(len(bone))
    last = palm & (order > 0) & (order % len(_PALM_STEPS) == 0)
    of_finger = (order - 1).div(len(_PALM_STEPS), rounding_mode='floor')
    touch = (last & palm)[:, None] & (level == 0) & ~palm & (of_finger[:, None] == finger)
    # The thumb's root bone and the start of the next lie in the palm.
    thumb = _PALM + steps * 3 * MANO_FINGERS.index('thumb')
    within = (order >= thumb) & (order <= thumb + steps)
    touch |= palm[:, None] & within
    allowed |= touch | touch.T
    return ~allowed
