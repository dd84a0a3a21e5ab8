"""A hand model fitted to estimated joints: pose, shape, size and a mesh."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmhand.hand_models.hand_pair import HandPair, build_hand_pair
from mmhand.hand_models.linear_skinned_hand import LinearSkinnedHand
from mmhand.hand_models.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from mmhand.registry import TASK_UTILS
from mmhand.structures.hand_estimate import HandEstimate
from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.errors import HandConfigError, HandDataError

from .evidence import HandEvidence
from .joint_chain import JointChain
from .placed_hand import PlacedHands
from .stacked_cameras import Cameras
from .starts import follow_bones, palm_turn

_CANONICAL = get_joint_set('canonical')
_KINEMATIC = get_joint_set('mano16')
_BONES = tuple(zip(*_CANONICAL.bones, strict=True))

#: Standard deviations about the mean pose, radians: about the axis across the finger, the axis out
#: of its back, and the bone. The thumb's joints bend about axes that its rest pose does not tell.
_SPREAD = {1: (0.9, 0.25, 0.15), 2: (0.9, 0.08, 0.08), 3: (0.9, 0.08, 0.08)}
_THUMB_SPREAD = {1: (0.6, 0.6, 0.4), 2: (0.6, 0.6, 0.15), 3: (0.6, 0.6, 0.15)}


class FittedHands(NamedTuple):
    """Hands of a fit; NaN where the joints do not determine one.

    ``vertices`` are ``scale * model(pose[:, :3], pose[:, 3:], betas).vertices + transl``, ``joints``
    alike.

    Attributes:
        pose: (N, 48) axis-angle radians of wrist and fingers, mean not added unless the model has
            ``flat_hand_mean``.
        betas: (N, num_betas).
        scale: (N,) units of the given joints per metre of the model.
        transl: (N, 3) units of the given joints.
        vertices: (N, V, 3) units of the given joints.
        joints: (N, 21, 3) alike, canonical order.
        residual: (N,) mean distance of the fitted from the valid given joints, alike.
    """

    pose: Tensor
    betas: Tensor
    scale: Tensor
    transl: Tensor
    vertices: Tensor
    joints: Tensor
    residual: Tensor


@TASK_UTILS.register_module()
class JointFitter(nn.Module):
    """Fit a hand model to the 21 joints that some estimator found.

    The most probable hand is sought: joints are off by ``noise``, finger joints turn about the mean
    pose by what anatomy allows them, betas are normal. Wrist and fingers are first turned bone by
    bone, in closed form, then all unknowns of all hands are refined at once by Levenberg-Marquardt
    with analytic derivatives. Nothing is random; hands do not depend on the others of their batch.

    Args:
        hand_model: config of a hand model with axis-angle pose, without ``side``: hands of either
            side are fitted with their own.
        noise: metres at the model's size, standard deviation of a joint that weighs 1. The larger it
            is, the more the result resembles the mean hand.
        fit_scale: find the size of the joints' unit too; without it they are metres, and the size of
            the hand is explained by the betas alone.
        steps: of the refinement.

    Raises:
        HandConfigError: the hand model has another pose space, or its sides differ in size.
    """

    _prior: Tensor
    chain: JointChain
    noise: float
    fit_scale: bool
    steps: int
    hand_models: HandPair

    def __init__(
        self,
        hand_model: Mapping | None = None,
        noise: float = 0.003,
        fit_scale: bool = True,
        steps: int = 12,
    ) -> None:
        super().__init__()
        self.hand_models = build_hand_pair(hand_model)
        if self.hand_models[0].num_pca is not None:
            raise HandConfigError('fitting joints needs a hand model without num_pca')
        if noise <= 0:
            raise HandConfigError(f'noise must be positive, not {noise}')
        self.noise = noise
        self.fit_scale = fit_scale
        self.steps = steps
        self.chain = JointChain(self.hand_models, torch.float64)
        prior = torch.stack([_pose_prior(model) for model in self.hand_models])
        self.register_buffer('_prior', prior, persistent=False)

    @torch.no_grad()
    def forward(
        self,
        estimate: HandEstimate | None,
        evidence: HandEvidence,
        camera: Cameras | None = None,
    ) -> PlacedHands:
        """Fit hands; the calling form of :mod:`mmhand.fitting`.

        Args:
            estimate: not used.
            evidence: with ``joints_3d``, ``side`` and, where known, ``joint_scores`` or else
                ``pixel_scores``.
            camera: not used: hands stay where the joints are.

        Returns:
            The hands. ``size`` is one without ``fit_scale``.

        Raises:
            HandDataError: there are no 3D joints.
        """
        if evidence.joints_3d is None:
            raise HandDataError('hand evidence: JointFitter needs joints_3d')
        scores = evidence.joint_scores
        weights = evidence.pixel_scores if scores is None else scores
        fit = self.fit(evidence.joints_3d, evidence.side, weights)
        return PlacedHands(
            fit.joints,
            fit.vertices,
            pose=fit.pose,
            betas=fit.betas,
            side=evidence.side,
            transl=fit.transl,
            size=fit.scale,
            joint_residual=fit.residual,
        )

    @torch.no_grad()
    def fit(self, joints: Tensor, side: Tensor, weights: Tensor | None = None) -> FittedHands:
        """Fit hands to joints of any unit.

        Args:
            joints: (N, 21, 3) canonical order, any unit, any axes that are not mirrored.
            side: (N,) 0 right, 1 left.
            weights: (N, 21) how much each joint is believed, 1 for an error of ``noise``; 0 for
                joints that are not known. Joints that are not finite do not count.

        Returns:
            The hands, in the type of ``joints``. At least three known joints, two of them neighbours
            and apart, are needed.

        Raises:
            HandDataError: a shape does not fit.
        """
        count = len(joints)
        if joints.shape != (count, len(_CANONICAL), 3) or side.shape != (count,):
            raise HandDataError(
                f'fitting needs joints (N, 21, 3) and side (N,), got {tuple(joints.shape)} '
                f'and {tuple(side.shape)}'
            )
        if weights is not None and weights.shape != joints.shape[:2]:
            raise HandDataError(f'weights have shape {tuple(weights.shape)}, not ({count}, 21)')
        dtype, side = joints.dtype, side.long()
        joints = joints.double()
        weights = torch.ones_like(joints[..., 0]) if weights is None else weights.double()
        weights = torch.where(joints.isfinite().all(-1) & weights.isfinite(), weights, 0.0)
        weights = weights.clamp_min(0)
        target, unit, usable = self._unit(torch.nan_to_num(joints), side, weights)
        weights = torch.where(usable[:, None], weights, 1.0)
        unknowns = self._start(target, side, weights)
        unknowns = self._refine(unknowns, target, side, weights)
        pose, betas, _, log_scale = unknowns.split((48, self.chain.num_betas, 3, 1), 1)
        scale = unit * log_scale[:, 0].exp()
        vertices, fitted = self._posed(side, pose, betas)
        share = (weights / weights.sum(1, keepdim=True))[..., None]
        given = torch.where(usable[:, None, None], torch.nan_to_num(joints), torch.nan)
        scaled = scale[:, None, None] * fitted
        transl = (share * (given - scaled)).sum(1)
        known = weights > 0
        distance = (scaled + transl[:, None] - given).norm(dim=-1)
        residual = torch.where(known, distance, 0).sum(1) / known.sum(1)
        added = torch.tensor([not model.flat_hand_mean for model in self.hand_models]).to(pose)
        means = self.chain.finger_mean * added[:, None]
        orient = matrix_to_axis_angle(axis_angle_to_matrix(pose[:, :3]))
        hands = FittedHands(
            torch.cat((orient, pose[:, 3:] - means[side]), 1),
            betas,
            scale,
            transl,
            scale[:, None, None] * vertices + transl[:, None],
            scaled + transl[:, None],
            residual,
        )
        nan = torch.tensor(torch.nan).to(pose)
        return FittedHands(
            *(
                torch.where(usable.view(-1, *[1] * (value.ndim - 1)), value, nan).to(dtype)
                for value in hands
            )
        )

    def _unit(self, joints: Tensor, side: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        """Joints in about metres, their unit, and which hands can be fitted at all."""
        rest = self.chain.rest[side]
        parents, children = _BONES
        known = (weights[:, parents] > 0) & (weights[:, children] > 0)
        lengths, own = ((p[:, parents] - p[:, children]).norm(dim=-1) for p in (joints, rest))
        unit = torch.where(known, lengths, 0).sum(1) / torch.where(known, own, 0).sum(1)
        usable = (unit > 1e-12) & unit.isfinite() & ((weights > 0).sum(1) >= 3)
        if not self.fit_scale:
            unit = torch.ones_like(unit)
        unit = torch.where(usable, unit, 1.0)
        joints = torch.where(usable[:, None, None], joints / unit[:, None, None], rest)
        return joints, unit, usable

    def _start(self, target: Tensor, side: Tensor, weights: Tensor) -> Tensor:
        """Unknowns (N, 48 + S + 3 + 1) of hands whose bones point as the target's, where known."""
        rest = self.chain.rest[side]
        wrist = palm_turn(rest, target, weights)
        mean = self.chain.finger_mean[side].unflatten(1, (15, 3))
        fingers = follow_bones(rest, target, weights > 0, wrist, mean)
        pose = torch.cat((matrix_to_axis_angle(wrist), fingers.flatten(1)), 1)
        betas = pose.new_zeros(len(pose), self.chain.num_betas)
        share = (weights / weights.sum(1, keepdim=True))[..., None]
        shift = (share * (target - self.chain.joints(side, pose, betas))).sum(1)
        return torch.cat((pose, betas, shift, torch.zeros_like(shift[:, :1])), 1)

    def _refine(self, unknowns: Tensor, target: Tensor, side: Tensor, weights: Tensor) -> Tensor:
        """Levenberg-Marquardt; each hand has its own damping and takes only steps that help."""
        shape = self.chain.num_betas
        trust = (weights.sqrt() / self.noise)[..., None].expand(-1, -1, 3).flatten(1)
        prior = torch.zeros(2, unknowns.shape[1], unknowns.shape[1]).to(unknowns)
        prior[:, 3:48, 3:48] = self._prior
        prior[:, range(48, 48 + shape), range(48, 48 + shape)] = 1.0
        if not self.fit_scale:
            # Its derivatives are taken out below.
            prior[:, -1, -1] = 1.0
        prior = prior[side]
        mean = torch.zeros_like(unknowns)
        mean[:, 3:48] = self.chain.finger_mean[side]

        def errors(x: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """Weighted errors of the joints (N, 63), pull of the prior (N, U), and their cost."""
            placed = x[:, -1:, None].exp() * points + x[:, None, -4:-1]
            off = trust * (placed - target).flatten(1)
            pull = (prior @ (x - mean)[..., None])[..., 0]
            return off, pull, off.square().sum(1) + ((x - mean) * pull).sum(1)

        damping = torch.full_like(unknowns[:, :1], 1e-3)
        for _ in range(self.steps):
            pose, betas = unknowns[:, :48], unknowns[:, 48 : 48 + shape]
            points, by_pose, by_shape = self.chain.derivatives(side, pose, betas)
            off, pull, cost = errors(unknowns, points)
            size = unknowns[:, -1:, None].exp()
            by_shift = torch.eye(3).to(points).repeat(len(_CANONICAL), 1).expand(len(pose), -1, 3)
            by_scale = size * points.flatten(1)[..., None] * float(self.fit_scale)
            jacobian = torch.cat((size * by_pose, size * by_shape, by_shift, by_scale), 2)
            jacobian = trust[..., None] * jacobian
            normal = jacobian.mT @ jacobian + prior
            slope = (jacobian.mT @ off[..., None])[..., 0] + pull
            stiff = torch.diag_embed(damping * normal.diagonal(dim1=1, dim2=2))
            change, info = torch.linalg.solve_ex(normal + stiff, slope[..., None])
            trial = unknowns - change[..., 0]
            points = self.chain.joints(side, trial[:, :48], trial[:, 48 : 48 + shape])
            better = (errors(trial, points)[2] < cost) & (info == 0)
            unknowns = torch.where(better[:, None], trial, unknowns)
            damping = torch.where(better[:, None], damping / 4, damping * 4).clamp(1e-8, 1e8)
        return unknowns

    def _posed(self, side: Tensor, pose: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Vertices (N, V, 3) and joints of each side's own model, metres, double precision."""
        rotations = axis_angle_to_matrix(pose.unflatten(1, (-1, 3)))
        count, verts = len(pose), self.hand_models.num_verts
        vertices = pose.new_empty(count, verts, 3)
        joints = pose.new_empty(count, len(_CANONICAL), 3)
        for index, model in enumerate(self.hand_models):
            rows = side == index
            out = model(rotations[rows, 0], rotations[rows, 1:], betas[rows])
            vertices[rows] = out.vertices.to(pose)
            joints[rows] = out.joints.to(pose)
        return vertices, joints


def _pose_prior(model: LinearSkinnedHand) -> Tensor:
    """(45, 45) precision of a model's finger pose, axis-angle radians about its mean."""
    rest = model.regress_joints(model.v_template).double()
    wrist, index, pinky = (rest[_CANONICAL.index(j)] for j in ('wrist', 'index1', 'pinky1'))
    normal = torch.linalg.cross(index - wrist, pinky - wrist)
    prior = torch.zeros(45, 45, dtype=torch.float64)
    for row, joint in enumerate(_KINEMATIC.joints[1:]):
        finger, level = joint[:-1], int(joint[-1])
        here, next_ = (_CANONICAL.index(f'{finger}{at}') for at in (level, level + 1))
        bone = nn.functional.normalize(rest[next_] - rest[here], dim=0)
        across = nn.functional.normalize(torch.linalg.cross(normal, bone), dim=0)
        frame = torch.stack((across, torch.linalg.cross(bone, across), bone))
        spread = (_THUMB_SPREAD if finger == 'thumb' else _SPREAD)[level]
        frame = frame / torch.tensor(spread, dtype=torch.float64)[:, None]
        block = slice(3 * row, 3 * row + 3)
        prior[block, block] = frame.mT @ frame
    return prior
