"""What a hand before a camera costs, with analytic derivatives."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .anatomy import Anatomy
from .joint_chain import JointChain
from .levenberg_marquardt import Normal
from .placed_hand import HandUnknowns

#: Nearer to the camera (metres) nothing is projected.
_NEAR = 1e-3


@dataclass(frozen=True)
class FitWeights:
    """Standard deviations of what a fit believes; see docs/en/fitting.md for how they were chosen.

    Attributes:
        pixels: of a 2D joint of score 1, part of the hand's extent in the picture.
        joints: of a 3D joint of score 1, metres.
        wrist: how much longer that of the 3D wrist is: learned world points have the palm's length
            wrong more often than the fingers'.
        robust: errors beyond that many standard deviations count less and less (Geman and McClure).
        prior: what the logarithm of the pose prior is divided by, squared.
        limit: radians beyond the joint limits.
        betas: of the shape coefficients.
        size: of the logarithm of the size beyond what the betas explain.
        joint_scale: of the scale of the 3D joints: learned world points show fingers that they are
            not sure of too short.
    """

    pixels: float = 0.015
    joints: float = 0.012
    wrist: float = 2.0
    robust: float = 4.0
    prior: float = 2.0
    limit: float = 0.05
    betas: float = 1.0
    size: float = 0.08
    joint_scale: float = 0.2


@dataclass(frozen=True, eq=False)
class Observed:
    """Evidence of B hands in float64, nothing missing: what is not known has weight 0.

    Attributes:
        model: (B,) which hand model each is of.
        pixels: (B, 21, 2).
        pixel_weights: (B, 21).
        joints: (B, 21, 3) metres.
        joint_weights: (B, 21).
        span: (B,) pixels, extent of the hand in the picture.
        K: (B, 3, 3).
    """

    model: Tensor
    pixels: Tensor
    pixel_weights: Tensor
    joints: Tensor
    joint_weights: Tensor
    span: Tensor
    K: Tensor

    def __getitem__(self, rows: Tensor | slice) -> 'Observed':
        return Observed(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class ReprojectionEnergy(nn.Module):
    """Negative log-posterior of hands, twice over: reprojection, 3D joints, anatomy, shape and size.

    Args:
        chain: joints of the hand models; vertices that it carries are not looked at.
        anatomy: of the same models.
        weights: of the terms.
    """

    def __init__(self, chain: JointChain, anatomy: Anatomy, weights: FitWeights) -> None:
        super().__init__()
        self.chain = chain
        self.anatomy = anatomy
        self.weights = weights

    def points(self, x: HandUnknowns, model: Tensor) -> Tensor:
        """(B, P, 3) joints in the camera's frame, metres."""
        rotations = torch.cat((x.wrist[:, None], self.anatomy.rotations(model, x.angles)), 1)
        points = self.chain.carry(model, rotations, x.betas)
        return x.log_size.exp()[..., None] * points + x.transl[:, None]

    def motion(
        self,
        x: HandUnknowns,
        model: Tensor,
        chain: JointChain | None = None,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Points (B, P, 3) as :meth:`points`, and their derivatives (B, P, 3, U).

        ``chain`` and ``rows``: points (B, P) of another chain of the same models.
        """
        fingers, axes = self.anatomy.turning(model, x.angles)
        rotations = torch.cat((x.wrist[:, None], fingers), 1)
        upright = torch.eye(3).to(axes).expand(len(axes), 1, 3, 3)
        axes = torch.cat((upright, axes), 1)
        chain = chain or self.chain
        points, by_turn, by_shape = chain.motion(model, rotations, x.betas, axes, rows)
        size = x.log_size.exp()[..., None]
        points = size * points
        by_shift = torch.eye(3).to(points).expand(*points.shape[:2], 3, 3)
        by_turn = size[..., None] * by_turn.unflatten(1, (-1, 3))
        by_shape = size[..., None] * by_shape.unflatten(1, (-1, 3))
        parts = (by_turn[..., 3:], by_turn[..., :3], by_shift, by_shape, points[..., None])
        return points + x.transl[:, None], torch.cat(parts, -1)

    def linearise(self, x: HandUnknowns, seen: Observed, slack: float = 1.0) -> Normal:
        """Normal equations and cost of hands; ``slack`` times the errors are tolerated."""
        points, moves = self.motion(x, seen.model)
        return self.normal(x, seen, points[:, :21], moves[:, :21], slack)

    def normal(
        self, x: HandUnknowns, seen: Observed, points: Tensor, moves: Tensor, slack: float = 1.0
    ) -> Normal:
        """The same from joints (B, 21, 3) and their derivatives (B, 21, 3, U)."""
        metric, pull, cost = self._pixel_term(points, seen, slack)
        share, apart, shape, scale, cost_3d = self._joint_term(points, seen, slack)
        share = share * scale
        pull = pull + share[..., None] * apart
        metric = metric + (share * scale)[..., None, None] * torch.eye(3).to(points)
        flat = moves.flatten(1, 2)
        matrix = flat.mT @ (metric @ moves).flatten(1, 2)
        slope = (flat.mT @ pull.flatten(1)[..., None])[..., 0]
        # Neither place nor scale of the 3D joints counts: what they would hold is taken off.
        mean = (share[..., None, None] * moves).sum(1)
        total = (share / scale).sum(1).clamp_min(1e-12)[:, None, None]
        matrix = matrix - mean.mT @ mean / total
        weighed = share[..., None] * shape
        along = (flat.mT @ weighed.flatten(1)[..., None])[..., 0]
        power = (weighed * shape / scale[..., None]).sum((1, 2)) + self.weights.joint_scale**-2
        matrix = matrix - along[:, :, None] * along[:, None] / power[:, None, None]
        return self._priors(x, matrix, slope, cost + cost_3d)

    def _robust(self, square: Tensor, slack: float) -> tuple[Tensor, Tensor]:
        """Cost and weight of squared errors in standard deviations (Geman and McClure)."""
        limit = (slack * self.weights.robust) ** 2
        share = limit / (limit + square)
        return share * square, share.square()

    def _pixel_term(
        self, points: Tensor, seen: Observed, slack: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Metric (B, 21, 3, 3), pull (B, 21, 3) and cost (B,) of the reprojection."""
        projected = points @ seen.K.mT
        depth = projected[..., 2:].clamp_min(_NEAR)
        place = projected[..., :2] / depth
        scale = 1 / (self.weights.pixels * seen.span)[:, None, None]
        error = (place - seen.pixels) * scale
        cost, weight = self._robust(error.square().sum(-1), slack)
        weight = seen.pixel_weights * weight
        slopes = (seen.K[:, None, :2] - place[..., None] * seen.K[:, None, 2:]) / depth[..., None]
        slopes = slopes * scale[..., None]
        weighed = (weight[..., None, None] * slopes).mT
        pull = (weighed @ error[..., None])[..., 0]
        return weighed @ slopes, pull, (seen.pixel_weights * cost).sum(1)

    def _joint_term(self, points: Tensor, seen: Observed, slack: float) -> tuple[Tensor, ...]:
        """The hand against the 3D joints, moved and scaled to fit them best.

        The hand is scaled and not the 3D joints, or else a smaller hand would be a smaller error.

        Returns:
            Weights (B, 21) per square metre, errors (B, 21, 3), points about their mean (B, 21, 3),
            their scale (B, 1) and the cost (B,).
        """
        base = seen.joint_weights / self.weights.joints**2
        stiff = self.weights.joint_scale**-2

        def best(weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            share = (weights / weights.sum(1, keepdim=True).clamp_min(1e-12))[..., None]
            mine = points - (share * points).sum(1, keepdim=True)
            theirs = seen.joints - (share * seen.joints).sum(1, keepdim=True)
            weighed = weights[..., None] * mine
            scale = (weighed * theirs).sum((1, 2)) + stiff
            scale = scale / ((weighed * mine).sum((1, 2)) + stiff)
            return scale[:, None, None] * mine - theirs, mine, scale[:, None]

        square = (best(base)[0] / self.weights.joints).square().sum(-1)
        weights = base * self._robust(square, slack)[1]
        apart, shape, scale = best(weights)
        cost = self._robust((apart / self.weights.joints).square().sum(-1), slack)[0]
        cost = (seen.joint_weights * cost).sum(1) + stiff * (scale[:, 0] - 1).square()
        return weights, apart, shape, scale, cost

    def _priors(self, x: HandUnknowns, matrix: Tensor, slope: Tensor, cost: Tensor) -> Normal:
        """Add anatomy, shape and size, which are about the unknowns themselves."""
        weights, anatomy = self.weights, self.anatomy
        off = x.angles - anatomy.mean
        precision = anatomy.precision / weights.prior**2
        pull = off @ precision
        low, high = anatomy.limits.flatten(0, 1).unbind(-1)
        # At most one of the two is not zero.
        beyond = (x.angles - high).clamp_min(0) + (x.angles - low).clamp_max(0)
        hinge = (beyond != 0).to(beyond) / weights.limit**2
        matrix[:, :45, :45] += precision + torch.diag_embed(hinge)
        slope[:, :45] += pull + beyond / weights.limit**2
        shape = torch.cat((x.betas / weights.betas**2, x.log_size / weights.size**2), 1)
        tail = matrix.diagonal(dim1=1, dim2=2)[:, 51:]
        tail[:, :-1] += 1 / weights.betas**2
        tail[:, -1] += 1 / weights.size**2
        slope[:, 51:] += shape
        cost = cost + (off * pull).sum(1) + (beyond / weights.limit).square().sum(1)
        values = torch.cat((x.betas, x.log_size), 1)
        return Normal(matrix, slope, cost + (shape * values).sum(1))
