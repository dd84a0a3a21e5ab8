"""A hand model laid into 2D joints, and 3D ones where there are some."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from mmhand.hand_models.hand_pair import HandPair, build_hand_pair
from mmhand.hand_models.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from mmhand.registry import TASK_UTILS
from mmhand.structures.hand_estimate import HandEstimate
from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.errors import HandConfigError

from .anatomy import Anatomy
from .evidence import HandEvidence
from .joint_chain import JointChain
from .levenberg_marquardt import Normal, levenberg_marquardt
from .placed_hand import HandUnknowns, PlacedHands
from .reprojection_energy import FitWeights, Observed, ReprojectionEnergy
from .stacked_cameras import Cameras, stack_cameras
from .starts import follow_bones, palm_turn, picture_turns, view_directions
from .translation import fit_translation, translation_by_size

_CANONICAL = get_joint_set('canonical')
_WRIST = _CANONICAL.index('wrist')

#: 2D joints that a hand needs to be fitted at all.
_LEAST = 4

#: Views tried where no 3D joints tell how the hand is turned.
_VIEWS = 64

#: First steps, and how many times the errors are tolerated in them.
_EARLY, _SLACK = 6, 2.0


@TASK_UTILS.register_module()
class ReprojectionFit(nn.Module):
    """Lay hands into what a picture shows, all hands of a batch at once.

    The most probable hand is sought: 2D joints are off by a part of the hand's extent, 3D joints
    (which may lie anywhere) by about a centimetre, both with robust weights; finger angles follow a
    prior of anatomical poses within the joint limits; shape and size are normal. Wrist and place
    start in closed form, then 45 finger angles, wrist, place, shape and size are refined by
    Levenberg-Marquardt with analytic derivatives. Nothing is random.

    Args:
        hand_model: config of a hand model with axis-angle pose, without ``side``: hands of either
            side are fitted with their own. ``None``: ``OpenHand``.
        weights: fields of :class:`~mmhand.fitting.reprojection_energy.FitWeights`.
        steps: of the refinement, at most.
        starts: turns of the wrist that are tried for hands without 3D joints; depth is ambiguous
            there.

    Raises:
        HandConfigError: the hand model has another pose space, or its sides differ in size.
    """

    energy: ReprojectionEnergy
    steps: int
    starts: int
    hand_models: HandPair

    def __init__(
        self,
        hand_model: Mapping | None = None,
        weights: Mapping | None = None,
        steps: int = 20,
        starts: int = 3,
    ) -> None:
        super().__init__()
        self.hand_models = build_hand_pair(hand_model)
        if self.hand_models[0].num_pca is not None:
            raise HandConfigError('ReprojectionFit needs a hand model without num_pca')
        if starts < 1:
            raise HandConfigError(f'ReprojectionFit tries at least one start, not {starts}')
        self.steps = steps
        self.starts = starts
        chain = JointChain(self.hand_models, torch.float64)
        self.energy = ReprojectionEnergy(
            chain, Anatomy(self.hand_models), FitWeights(**(weights or {}))
        )

    @torch.no_grad()
    def forward(
        self, estimate: HandEstimate | None, evidence: HandEvidence, camera: Cameras
    ) -> PlacedHands:
        """Fit hands.

        Args:
            estimate: of a network, a start: its ``rotmats`` and ``betas`` where it has them; its
                ``joints`` serve as 3D evidence where the evidence has none. ``None``: no start.
            evidence: of B hands.
            camera: whose current pixels the evidence's are: one, one for each hand, or intrinsics
                (3, 3) or (B, 3, 3).

        Returns:
            The hands, float32.

        Raises:
            HandDataError: shapes do not fit.
        """
        K, assumed = stack_cameras(camera, len(evidence))
        seen, usable = self.observe(estimate, evidence, K)
        if not len(evidence):
            x = self._at_rest(seen)
            return self.place(x, self.energy.linearise(x, seen), seen, usable, evidence, assumed)
        x, normal = self.solve(estimate, seen)
        return self.place(x, normal, seen, usable, evidence, assumed)

    @torch.no_grad()
    def follow(
        self, before: PlacedHands, evidence: HandEvidence, camera: Cameras, steps: int = 3
    ) -> PlacedHands:
        """Fit the hands of a video's next frame, from where they were in the frame before.

        A few steps are enough there, so this takes a fifth of the time of :meth:`forward`; but a hand
        that was fitted wrongly stays so until it is fitted anew.

        Args:
            before: B hands, as fitted in the frame before. Each is of the evidence's side.
            evidence: of the same hands.
            camera: as of :meth:`forward`.
            steps: of the refinement, at most.

        Returns:
            The hands, float32.
        """
        K, assumed = stack_cameras(camera, len(evidence))
        seen, usable = self.observe(None, evidence, K)
        x, normal = self.refine_from(before, seen, steps)
        return self.place(x, normal, seen, usable, evidence, assumed)

    def refine_from(
        self, before: PlacedHands, seen: Observed, steps: int
    ) -> tuple[HandUnknowns, Normal]:
        """The most probable hands near those of the frame before, and the normal equations there."""
        start = before.unknowns(lambda fingers: self.energy.anatomy.angles(seen.model, fingers))
        known = before.joints.isfinite().flatten(1).all(1)
        start = start.where(known, self._at_rest(seen))
        return levenberg_marquardt(start, lambda x: self.energy.linearise(x, seen), steps)

    def observe(
        self, estimate: HandEstimate | None, evidence: HandEvidence, K: Tensor
    ) -> tuple[Observed, Tensor]:
        """Evidence in the form of the energy, and (B,) which hands can be fitted."""
        pixels = evidence.pixels.double().cpu()
        scores = evidence.pixel_scores
        scores = torch.ones_like(pixels[..., 0]) if scores is None else scores.double().cpu()
        known = pixels.isfinite().all(-1) & scores.isfinite() & (scores > 0)
        scores = torch.where(known, scores, 0.0)
        usable = known.sum(1) >= _LEAST
        blank = pixels.new_tensor(torch.nan)
        shown = torch.where(known[..., None], pixels, blank).nan_to_num(nan=torch.inf)
        low = shown.amin(1)
        high = torch.where(known[..., None], pixels, -torch.inf).amax(1)
        span = (high - low).amax(1)
        usable &= span.isfinite() & (span > 1e-3) & K.isfinite().all(-1).all(-1)
        span = torch.where(usable, span, 1.0)
        scores = torch.where(usable[:, None], scores, 0.0)
        K = torch.where(usable[:, None, None], K, torch.eye(3).to(K))
        joints, weights = evidence.joints_3d, evidence.joint_scores
        if joints is None and estimate is not None:
            joints = estimate.joints
        if joints is None:
            joints, weights = pixels.new_zeros(*pixels.shape[:2], 3), torch.zeros_like(scores)
        joints = joints.double().cpu()
        weights = scores if weights is None else weights.double().cpu()
        fine = joints.isfinite().all(-1) & weights.isfinite() & usable[:, None]
        weights = torch.where(fine, weights.clamp_min(0), 0.0)
        weights[:, _WRIST] /= self.energy.weights.wrist**2
        side = evidence.side.long().cpu()
        pixels = torch.where(known[..., None], pixels, 0.0)
        joints = torch.where(fine[..., None], joints, 0.0)
        return Observed(side, pixels, scores, joints, weights, span, K), usable

    def solve(self, estimate: HandEstimate | None, seen: Observed) -> tuple[HandUnknowns, Normal]:
        """The most probable hands, and the normal equations there."""
        x = self._start(estimate, seen)
        flat = (seen.joint_weights > 0).sum(1) < _LEAST
        if estimate is not None and estimate.rotmats is not None:
            flat = torch.zeros_like(flat)
        if not bool(flat.any()):
            return self._refine(x, seen)
        turns = self._picture_starts(seen)
        tried = []
        for start in range(self.starts):
            wrist = torch.where(flat[:, None, None], turns[:, start], x.wrist)
            tried.append(self._refine(self._placed(replace(x, wrist=wrist), seen), seen))
        best = tried[0]
        for found in tried[1:]:
            better = found[1].cost < best[1].cost
            normal = (
                torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(found[1], best[1], strict=True)
            )
            best = found[0].where(better, best[0]), Normal(*normal)
        return best

    def _refine(self, x: HandUnknowns, seen: Observed) -> tuple[HandUnknowns, Normal]:
        """From far, an error that looks wild may be the start's: first nearly all count."""
        early = min(_EARLY, self.steps)
        x, _ = levenberg_marquardt(x, lambda x: self.energy.linearise(x, seen, _SLACK), early)
        return levenberg_marquardt(x, lambda x: self.energy.linearise(x, seen), self.steps - early)

    def _at_rest(self, seen: Observed) -> HandUnknowns:
        count = len(seen.model)
        zeros = seen.span.new_zeros
        return HandUnknowns(
            self.energy.anatomy.mean.expand(count, 45),
            torch.eye(3).to(seen.span).expand(count, 3, 3),
            zeros(count, 3),
            zeros(count, self.energy.chain.num_betas),
            zeros(count, 1),
        )

    def _start(self, estimate: HandEstimate | None, seen: Observed) -> HandUnknowns:
        """Hands turned as the estimate or the 3D joints say, placed by the 2D joints."""
        x = self._at_rest(seen)
        anatomy = self.energy.anatomy
        low, high = anatomy.limits.flatten(0, 1).unbind(-1)
        if estimate is not None and estimate.rotmats is not None:
            rotmats = estimate.rotmats.double().cpu()
            angles = anatomy.angles(seen.model, rotmats[:, 1:])
            betas = x.betas if estimate.betas is None else estimate.betas.double().cpu()
            x = replace(x, angles=angles.clamp(low, high), wrist=rotmats[:, 0], betas=betas)
        else:
            rest = self.energy.chain.rest[seen.model][:, :21]
            wrist = palm_turn(rest, seen.joints, seen.joint_weights.clamp_min(1e-9))
            mean = anatomy.rotations(seen.model, x.angles)
            mean = matrix_to_axis_angle(mean)
            known = seen.joint_weights > 0
            bones = follow_bones(rest, seen.joints, known, wrist, mean)
            angles = anatomy.angles(seen.model, axis_angle_to_matrix(bones)).clamp(low, high)
            x = replace(x, angles=angles, wrist=wrist)
        return self._placed(x, seen)

    def _picture_starts(self, seen: Observed) -> Tensor:
        """(B, starts, 3, 3) turns of the wrist that the 2D joints allow."""
        still = self._at_rest(seen)
        candidates = self.energy.points(still, seen.model)[:, None, :21]
        views = view_directions(_VIEWS)
        found = picture_turns(candidates, seen.pixels, seen.pixel_weights, views, self.starts)
        return found[1]

    def _placed(self, x: HandUnknowns, seen: Observed) -> HandUnknowns:
        """The hands where their joints project best."""
        joints = self.energy.points(replace(x, transl=torch.zeros_like(x.transl)), seen.model)
        joints = joints[:, :21]
        transl = fit_translation(joints, seen.pixels, seen.K, seen.pixel_weights)
        ahead = (joints[..., 2] + transl[:, 2:]).amin(1) > 0.05
        by_size = translation_by_size(joints, seen.pixels, seen.K, seen.span)
        return replace(x, transl=torch.where(ahead[:, None], transl, by_size))

    def place(
        self,
        x: HandUnknowns,
        normal: Normal,
        seen: Observed,
        usable: Tensor,
        evidence: HandEvidence,
        assumed: Tensor,
    ) -> PlacedHands:
        """Unknowns as hands, with what they are worth."""
        rotmats = torch.cat(
            (x.wrist[:, None], self.energy.anatomy.rotations(seen.model, x.angles)), 1
        )
        vertices = self._vertices(seen.model, rotmats, x.betas)
        vertices = x.log_size.exp()[..., None] * vertices + x.transl[:, None]
        joints, moves = self.energy.motion(x, seen.model)
        joints, moves = joints[:, :21], moves[:, :21]
        projected = joints @ seen.K.mT
        pixels = projected[..., :2] / projected[..., 2:]
        total = seen.pixel_weights.sum(1).clamp_min(1e-9)
        distance = (pixels - seen.pixels).norm(dim=-1)
        residual = (seen.pixel_weights * distance).sum(1) / total
        sigma, relative = self._sigmas(normal, seen, moves)
        confidence = self._confidence(seen, distance, evidence)
        means = self.energy.chain.finger_mean[seen.model]
        means = means * (not self.hand_models[0].flat_hand_mean)
        pose = matrix_to_axis_angle(rotmats).flatten(1)
        pose = torch.cat((pose[:, :3], pose[:, 3:] - means), 1)
        hands = dict(
            joints=joints,
            vertices=vertices,
            rotmats=rotmats,
            pose=pose,
            betas=x.betas,
            pixels=pixels,
            transl=x.transl,
            size=x.log_size[:, 0].exp(),
            joint_sigma=sigma,
            relative_sigma=relative,
            residual=residual,
        )
        nan = residual.new_tensor(torch.nan)
        hands = {
            name: torch.where(usable.view(-1, *[1] * (value.ndim - 1)), value, nan).float()
            for name, value in hands.items()
        }
        return PlacedHands(
            **hands,
            pixel_scores=seen.pixel_weights.float(),
            confidence=torch.where(usable, confidence, 0.0).float(),
            side=seen.model,
            camera_assumed=assumed,
        )

    def _sigmas(self, normal: Normal, seen: Observed, moves: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 21) standard deviations of the joints' places, and of those about the wrist."""
        eye = torch.eye(normal.matrix.shape[1]).to(normal.matrix)
        factor, info = torch.linalg.cholesky_ex(normal.matrix + 1e-9 * eye)
        factor = torch.where((info == 0)[:, None, None], factor, eye)
        # Errors larger than believed widen everything.
        count = 2 * seen.pixel_weights.sum(1) + 3 * (seen.joint_weights.sum(1) - 3).clamp_min(0)
        excess = (normal.cost / count.clamp_min(1)).clamp_min(1).sqrt()[:, None]

        def sigma(rows: Tensor) -> Tensor:
            half = torch.linalg.solve_triangular(factor, rows.flatten(1, 2).mT, upper=False)
            return half.square().sum(1).unflatten(1, (-1, 3)).sum(-1).sqrt() * excess

        return sigma(moves), sigma(moves - moves[:, _WRIST : _WRIST + 1])

    def _confidence(self, seen: Observed, distance: Tensor, evidence: HandEvidence) -> Tensor:
        """(B,) in [0, 1]: how sure the evidence is, times how much of it the hand explains."""
        weights = seen.pixel_weights
        share = distance / (2.5 * self.energy.weights.pixels * seen.span[:, None])
        explained = (weights / (1 + share.square())).sum(1) / weights.sum(1).clamp_min(1e-9)
        if evidence.hand_scores is not None:
            return explained * evidence.hand_scores.double().cpu().clamp(0, 1)
        return explained * weights.mean(1).clamp(0, 1)

    def _vertices(self, side: Tensor, rotations: Tensor, betas: Tensor) -> Tensor:
        """(B, V, 3) of each side's own model, metres, double precision."""
        vertices = betas.new_empty(len(side), self.hand_models.num_verts, 3)
        for index, model in enumerate(self.hand_models):
            rows = side == index
            if bool(rows.any()):
                found = model(rotations[rows, 0], rotations[rows, 1:], betas[rows])
                vertices[rows] = found.vertices.to(vertices)
        return vertices
