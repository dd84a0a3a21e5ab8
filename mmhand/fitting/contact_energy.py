"""What two hands that meet cost beyond what each costs alone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from mmhand.geometry.normals import vertex_normals
from mmhand.hand_models.hand_pair import HandModels, HandPair

from .joint_chain import JointChain
from .levenberg_marquardt import Normal
from .placed_hand import HandUnknowns
from .reprojection_energy import Observed, ReprojectionEnergy

#: No vertex within a hand is further from its skin (metres); what seems so lies behind it.
_DEEPEST = 0.025

#: So far from a vertex (metres) its skin is about flat.
_PATCH = 0.008

#: Vertices of each hand, the deepest in the other, and pairs of joints that a step looks at.
_VERTICES, _JOINTS = 64, 6


@dataclass(frozen=True)
class ContactWeights:
    """Standard deviations of what is believed of two hands that meet.

    Attributes:
        penetration: metres, of a vertex in the other hand.
        depth: metres, between joints that the picture shows at one place.
        near: how near in the picture such joints are, parts of the hands' extent.
        robust: depths beyond that many standard deviations count less and less.
        betas: of the difference of the shapes: mostly the hands are of one person.
        size: of the difference of the logarithms of the sizes.
    """

    penetration: float = 0.001
    depth: float = 0.02
    near: float = 0.25
    robust: float = 3.0
    betas: float = 0.3
    size: float = 0.03


@dataclass(frozen=True, eq=False)
class PairUnknowns:
    """N pairs of hands, first and second in turn."""

    hands: HandUnknowns

    def moved(self, change: Tensor) -> 'PairUnknowns':
        """The pairs after a change (N, 2 U)."""
        return PairUnknowns(self.hands.moved(change.unflatten(1, (2, -1)).flatten(0, 1)))

    def where(self, better: Tensor, other: 'PairUnknowns') -> 'PairUnknowns':
        """``other`` where not ``better`` (N,)."""
        return PairUnknowns(self.hands.where(better.repeat_interleave(2), other.hands))


class Facing(NamedTuple):
    """Vertices of 2 N hands, in pairs, that may be in the other hand.

    Attributes:
        inner: (2 N, K) vertices of each hand.
        outer: (2 N, K) those of the other hand that are nearest to them.
        normals: (2 N, K, 3) of the latter's skin; 0 for vertices that are far from the other.
        depth: (2 N, K) metres in the other hand; negative outside.
    """

    inner: Tensor
    outer: Tensor
    normals: Tensor
    depth: Tensor


class ContactEnergy(nn.Module):
    """Two hands before one camera: each one's own terms, and those between them.

    Args:
        models: right and left hand model.
        energy: of single hands of these models.
        weights: of the terms between them.
    """

    def __init__(
        self,
        models: HandModels,
        energy: ReprojectionEnergy,
        weights: ContactWeights,
    ) -> None:
        super().__init__()
        self.models = models if isinstance(models, HandPair) else HandPair(*models)
        self.energy = energy
        self.weights = weights
        self.skin = JointChain(models, torch.float64, vertices=range(self.models.num_verts))

    def linearise(
        self,
        x: PairUnknowns,
        seen: Observed,
        facing: Facing,
        firm: float = 1.0,
        slack: float = 1.0,
    ) -> Normal:
        """Normal equations (N, 2 U, 2 U) and costs of pairs.

        Args:
            x: N pairs.
            seen: evidence of the 2 N hands.
            facing: vertices to keep apart, from :meth:`facing`.
            firm: how many times as firmly as stated hands are kept apart.
            slack: times the errors of the evidence that are tolerated; hands that are deep in each
                other must not get apart by giving up the evidence.
        """
        hands, model = x.hands, seen.model
        outer = facing.outer.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
        rows = torch.cat((facing.inner, outer), 1) + 21
        first = torch.arange(21).expand(len(model), 21)
        points, moves = self.energy.motion(hands, model, self.skin, torch.cat((first, rows), 1))
        own = self.energy.normal(hands, seen, points[:, :21], moves[:, :21], slack)
        count = own.slope.shape[1]
        matrix = own.matrix.new_zeros(len(model) // 2, 2, count, 2, count)
        matrix[:, [0, 1], :, [0, 1]] = own.matrix.unflatten(0, (-1, 2)).transpose(0, 1)
        matrix = matrix.flatten(3).flatten(1, 2)
        slope = own.slope.reshape(-1, 2 * count)
        cost = own.cost.unflatten(0, (-1, 2)).sum(1)
        for error, jacobian in (
            self._apart(points, moves, facing.normals, firm),
            self._level(points, moves, seen),
            self._alike(hands),
        ):
            jacobian = jacobian.flatten(2)
            matrix = matrix + jacobian.mT @ jacobian
            slope = slope + (jacobian.mT @ error[..., None])[..., 0]
            cost = cost + error.square().sum(1)
        return Normal(matrix, slope, cost)

    def vertices(self, x: HandUnknowns, model: Tensor) -> Tensor:
        """(B, V, 3) metres, the camera's frame."""
        fingers = self.energy.anatomy.rotations(model, x.angles)
        points = x.betas.new_empty(len(model), self.models.num_verts, 3)
        for side, hand in enumerate(self.models):
            rows = model == side
            points[rows] = hand(x.wrist[rows], fingers[rows], x.betas[rows]).vertices.to(points)
        return x.log_size.exp()[..., None] * points + x.transl[:, None]

    def facing(self, x: PairUnknowns, model: Tensor) -> Facing:
        """Which vertices of each hand are deepest in the other, or next to entering it."""
        vertices = self.vertices(x.hands, model)
        normals = torch.empty_like(vertices)
        for side, hand in enumerate(self.models):
            rows = model == side
            normals[rows] = vertex_normals(vertices[rows], hand.faces)
        swap = torch.arange(len(model)).view(-1, 2).flip(1).flatten()
        nearest, far = _nearest(vertices, vertices[swap])
        rows = torch.arange(len(model))[:, None]
        normal = normals[swap][rows, nearest]
        depth = ((vertices[swap][rows, nearest] - vertices) * normal).sum(-1)
        depth = torch.where(far, -torch.inf, depth)
        depth, inner = depth.topk(_VERTICES, dim=1)
        normal = torch.where(depth.isfinite()[..., None], normal[rows, inner], 0.0)
        return Facing(inner, nearest[rows, inner], normal, depth)

    def _apart(
        self, points: Tensor, moves: Tensor, normals: Tensor, firm: float
    ) -> tuple[Tensor, Tensor]:
        """How deep vertices are in the other hand: (N, 2 K) and (N, 2 K, 2, U)."""
        inner, outer = points[:, 21 : 21 + _VERTICES], points[:, 21 + _VERTICES :]
        by_inner, by_outer = moves[:, 21 : 21 + _VERTICES], moves[:, 21 + _VERTICES :]
        outer, by_outer = (v.unflatten(0, (-1, 2)).flip(1) for v in (outer, by_outer))
        inner, by_inner, normals = (v.unflatten(0, (-1, 2)) for v in (inner, by_inner, normals))
        scale = firm / self.weights.penetration
        offset = outer - inner
        depth = (offset * normals).sum(-1)
        # The plane of a vertex stands for the skin near it alone.
        beside = (offset - depth[..., None] * normals).norm(dim=-1)
        depth = torch.where(beside < _PATCH, depth, 0.0).clamp_min(0)
        error = scale * depth
        normals = torch.where((error > 0)[..., None], normals, 0.0)
        mine = -scale * (normals[..., None, :] @ by_inner)[..., 0, :]
        other = scale * (normals[..., None, :] @ by_outer)[..., 0, :]
        jacobian = torch.stack(
            (
                torch.stack((mine[:, 0], other[:, 0]), 2),
                torch.stack((other[:, 1], mine[:, 1]), 2),
            ),
            1,
        )
        return error.flatten(1), jacobian.flatten(1, 2)

    def _level(self, points: Tensor, moves: Tensor, seen: Observed) -> tuple[Tensor, Tensor]:
        """Depths between joints that the picture shows together: (N, J) and (N, J, 2, U)."""
        pixels, weights, span, z, by_z = (
            v.unflatten(0, (-1, 2))
            for v in (
                seen.pixels,
                seen.pixel_weights,
                seen.span,
                points[:, :21, 2],
                moves[:, :21, 2],
            )
        )
        gap = torch.cdist(pixels[:, 0], pixels[:, 1]) / span.mean(1)[:, None, None]
        gap = torch.where(weights[:, 0, :, None] * weights[:, 1, None] > 0, gap, torch.inf)
        gap, pick = gap.flatten(1).topk(_JOINTS, dim=1, largest=False)
        first, second = pick // 21, pick % 21
        rows = torch.arange(len(pick))[:, None]
        error = (z[:, 0][rows, first] - z[:, 1][rows, second]) / self.weights.depth
        limit = self.weights.robust**2
        # Geman and McClure, as a factor of the error.
        share = torch.exp(-0.5 * (2 * gap / self.weights.near).square()) / _JOINTS**0.5
        share = share * (limit / (limit + error.square())).sqrt()
        by = torch.stack((by_z[:, 0][rows, first], -by_z[:, 1][rows, second]), 2)
        return share * error, (share / self.weights.depth)[..., None, None] * by

    def _alike(self, x: HandUnknowns) -> tuple[Tensor, Tensor]:
        """Differences of shape and size: (N, S + 1) and (N, S + 1, 2, U)."""
        shapes = x.betas.shape[1]
        scale = x.betas.new_full((shapes + 1,), 1 / self.weights.betas)
        scale[-1] = 1 / self.weights.size
        values = torch.cat((x.betas, x.log_size), 1).unflatten(0, (-1, 2))
        error = scale * (values[:, 0] - values[:, 1])
        jacobian = x.betas.new_zeros(shapes + 1, 2, 52 + shapes)
        jacobian[:, 0, 51:], jacobian[:, 1, 51:] = scale.diag(), -scale.diag()
        return error, jacobian.expand(len(error), -1, -1, -1)


def _nearest(points: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest of ``others`` (B, V, 3) to each of ``points`` (B, V, 3), and which are too far off."""
    rows = np.full(points.shape[:2], -1)
    # A tree a hand: quicker than all distances, most of which are between parts far apart.
    for row, (mine, theirs) in enumerate(zip(points.numpy(), others.numpy(), strict=True)):
        close = ((mine > theirs.min(0)) & (mine < theirs.max(0))).all(1)
        found = cKDTree(theirs, balanced_tree=False, compact_nodes=False).query(
            mine[close], distance_upper_bound=_DEEPEST
        )[1]
        rows[row, close] = np.where(found < len(theirs), found, -1)
    index = torch.from_numpy(rows)
    return index.clamp_min(0), index < 0
