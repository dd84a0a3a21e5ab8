"""Two hands that meet, fitted as one."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from mmhand.registry import TASK_UTILS
from mmhand.structures.hand_estimate import HandEstimate

from .contact_energy import ContactEnergy, ContactWeights, PairUnknowns
from .evidence import HandEvidence
from .levenberg_marquardt import Normal, levenberg_marquardt
from .placed_hand import HandUnknowns, PlacedHands
from .reprojection import ReprojectionFit
from .reprojection_energy import Observed
from .stacked_cameras import Cameras, stack_cameras

#: Rounds of the joint fit: firmness of non-penetration, and times the errors that are tolerated.
_ROUNDS = ((0.1, 4.0), (0.2, 4.0), (0.3, 4.0), (0.5, 3.0), (1.0, 3.0), (2.0, 2.0), (3.0, 2.0))

#: Those of a frame of a video after another, whose hands start where they were kept apart; and how deep
#: (metres) hands must be in each other for them.
_LATER, _TOUCH = ((1.0, 3.0), (3.0, 2.0)), 0.0015

#: Hands that begin deeper in each other than this also start before and behind each other, metres.
_DEEP = 0.006
#: So much before and behind: first these, then those where the hands still enter each other.
_SHIFTS = ((0.02, -0.02), (0.04, -0.04))
#: Hands that enter each other by no more are well, metres; flesh gives way.
_ENTERS = 0.0015
#: Hands that no start keeps apart are moved apart in such steps, and so often at most.
_STEP, _STEPS = 0.003, 20


@TASK_UTILS.register_module()
class TwoHandFit(nn.Module):
    """Fit hands each by itself, then those that meet in the picture together.

    Two hands of one picture meet where a joint of one is near a joint of the other. Their joint fit
    starts from the single ones, keeps the evidence of both, and adds: no vertex within the other
    hand, like depth where the picture shows both at one place, and like shape and size. At most two
    hands make a pair; a hand joins the one it is nearest to.

    Args:
        single: the fit of single hands, or its config; ``None``: ``ReprojectionFit()``.
        weights: fields of :class:`~mmhand.fitting.contact_energy.ContactWeights`.
        steps: of each round of the joint fit, at most; the rounds look anew where the hands meet, and
            keep them apart more and more firmly.
        near: how near joints of the two are in the picture, parts of the hands' mean extent.
    """

    single: ReprojectionFit
    contact: ContactEnergy

    def __init__(
        self,
        single: Mapping | ReprojectionFit | None = None,
        weights: Mapping | None = None,
        steps: int = 3,
        near: float = 0.25,
    ) -> None:
        super().__init__()
        # By class where it can be: the registry imports every network.
        if single is None:
            single = ReprojectionFit()
        self.single = TASK_UTILS.build(single) if isinstance(single, Mapping) else single
        self.contact = ContactEnergy(
            self.single.hand_models, self.single.energy, ContactWeights(**(weights or {}))
        )
        self.steps = steps
        self.near = near

    @torch.no_grad()
    def forward(
        self, estimate: HandEstimate | None, evidence: HandEvidence, camera: Cameras
    ) -> PlacedHands:
        """Fit hands; see :meth:`ReprojectionFit.forward`. All hands of a picture share its camera."""
        K, assumed = stack_cameras(camera, len(evidence))
        seen, usable = self.single.observe(estimate, evidence, K)
        if not len(evidence):
            return self.single(estimate, evidence, K)
        x, normal = self.single.solve(estimate, seen)
        placed = self.single.place(x, normal, seen, usable, evidence, assumed)
        pairs = meeting_hands(placed, evidence, self.near)
        if not len(pairs):
            return placed
        rows = pairs.flatten()
        part = seen[rows]
        hands, own = self._solve_pairs(x[rows], part)
        found = self.single.place(hands, own, part, usable[rows], evidence[rows], assumed[rows])
        return placed.with_rows(rows, found)

    @torch.no_grad()
    def follow(
        self, before: PlacedHands, evidence: HandEvidence, camera: Cameras, steps: int = 3
    ) -> PlacedHands:
        """Fit the hands of a video's next frame; see :meth:`ReprojectionFit.follow`.

        Hands that meet are refined together only where one is in the other.
        """
        K, assumed = stack_cameras(camera, len(evidence))
        seen, usable = self.single.observe(None, evidence, K)
        x, normal = self.single.refine_from(before, seen, steps)
        placed = self.single.place(x, normal, seen, usable, evidence, assumed)
        pairs = meeting_hands(placed, evidence, self.near)
        if not len(pairs):
            return placed
        rows = pairs.flatten()
        part = seen[rows]
        rows = pairs[self._depth(x[rows], part) > _TOUCH].flatten()
        if not len(rows):
            return placed
        part = seen[rows]
        hands, joint = self._refine(x[rows], part, _LATER)
        own = self._own(hands, joint, part)
        found = self.single.place(hands, own, part, usable[rows], evidence[rows], assumed[rows])
        return placed.with_rows(rows, found)

    def _solve_pairs(self, x: HandUnknowns, seen: Observed) -> tuple[HandUnknowns, Normal]:
        """Joint fits of pairs of hands, in turn; hands deep in each other also start apart, and end so.

        Returns:
            The hands, and what each one's unknowns are worth with the other where it is.
        """
        deep = self._depth(x, seen) > _DEEP
        found, joint = self._refine(x, seen)
        score = self._score(found, seen, joint)
        for shifts in _SHIFTS:
            rows = deep.nonzero()[:, 0]
            members = (2 * rows[:, None] + torch.arange(2)).flatten()
            part = seen[members]
            for shift in shifts if len(rows) else ():
                hands, normal = self._refine(self._parted(x[members], part, shift), part)
                news = self._score(hands, part, normal)
                better = news < score[rows]
                twice = better.repeat_interleave(2)
                found = found.with_rows(members[twice], hands[twice])
                score[rows[better]] = news[better]
                for old, new in zip(joint, normal, strict=True):
                    old[rows[better]] = new[better]
            deep = self._depth(found, seen) > _ENTERS
        found = self._apart(found, seen)
        return found, self._own(found, joint, seen)

    def _depth(self, x: HandUnknowns, seen: Observed) -> Tensor:
        """(N,) how deep the hands of each pair are in each other, metres."""
        depth = self.contact.facing(PairUnknowns(x), seen.model).depth.amax(1)
        return depth.view(-1, 2).amax(1).clamp_min(0)

    def _score(self, x: HandUnknowns, seen: Observed, joint: Normal) -> Tensor:
        """(N,) what a solution costs: depths that the energy does not see, far from the skin, count."""
        enters = (self._depth(x, seen) - _ENTERS).clamp_min(0)
        return joint.cost + (enters / self.contact.weights.penetration).square()

    def _apart(self, x: HandUnknowns, seen: Observed) -> HandUnknowns:
        """Hands that still enter each other, moved along their lines of sight until they do not."""
        rows = (self._depth(x, seen) > _ENTERS).nonzero()[:, 0]
        for row in rows.tolist():
            pair = slice(2 * row, 2 * row + 2)
            hands, part = x[pair], seen[pair]
            for shift in (sign * step * _STEP for step in range(1, _STEPS + 1) for sign in (1, -1)):
                moved = self._parted(hands, part, shift)
                if bool(self._depth(moved, part) <= _ENTERS):
                    x = x.with_rows(torch.arange(2 * row, 2 * row + 2), moved)
                    break
        return x

    def _own(self, hands: HandUnknowns, joint: Normal, seen: Observed) -> Normal:
        """What each hand's unknowns are worth with the other where it is."""
        count = joint.slope.shape[1] // 2
        blocks = torch.stack((joint.matrix[:, :count, :count], joint.matrix[:, count:, count:]), 1)
        own = self.single.energy.linearise(hands, seen)
        return Normal(blocks.flatten(0, 1), own.slope, own.cost)

    def _refine(
        self, x: HandUnknowns, seen: Observed, rounds: Sequence[tuple[float, float]] = _ROUNDS
    ) -> tuple[HandUnknowns, Normal]:
        state = PairUnknowns(x)
        for firm, slack in rounds:
            facing = self.contact.facing(state, seen.model)
            state, joint = levenberg_marquardt(
                state,
                functools.partial(
                    self.contact.linearise, seen=seen, facing=facing, firm=firm, slack=slack
                ),
                self.steps,
            )
        return state.hands, joint

    def _parted(self, x: HandUnknowns, seen: Observed, shift: float) -> HandUnknowns:
        """The hands one before the other, still where they were in the picture; metres."""
        middle = self.single.energy.points(x, seen.model).mean(1)
        sign = torch.tensor([1.0, -1.0]).to(middle).repeat(len(middle) // 2)[:, None]
        return replace(x, transl=x.transl + shift * sign * middle / middle[:, 2:])


def meeting_hands(hands: PlacedHands, evidence: HandEvidence, near: float) -> Tensor:
    """Pairs of hands that the picture shows together.

    Args:
        hands: B placed hands.
        evidence: of them; hands of different ``picture`` do not meet.
        near: nearest joints of two that meet, parts of the hands' mean extent.

    Returns:
        (N, 2) rows, right before left where the sides differ; no hand is in two pairs.
    """
    pixels = hands.need('pixels').double()
    count = len(pixels)
    span = (pixels.amax(1) - pixels.amin(1)).amax(1)
    gap = torch.cdist(pixels.flatten(0, 1), pixels.flatten(0, 1))
    gap = gap.unflatten(0, (count, -1)).unflatten(2, (count, -1)).amin((1, 3))
    gap = 2 * gap / (span[:, None] + span)
    gap = torch.where(torch.eye(count, dtype=torch.bool) | gap.isnan(), torch.inf, gap)
    if evidence.picture is not None:
        picture = evidence.picture.cpu()
        gap = torch.where(picture[:, None] == picture, gap, torch.inf)
    pairs = []
    while count and float(gap.min()) < near:
        a, b = divmod(int(gap.argmin()), count)
        pairs.append((a, b) if hands.side[a] <= hands.side[b] else (b, a))
        gap[[a, b]] = gap[:, [a, b]] = torch.inf
    return torch.tensor(pairs, dtype=torch.long).view(-1, 2)
