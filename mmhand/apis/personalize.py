"""The hand of one person from pictures of the person (methods/iahm.md#personalisation)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mmhand.fitting import ShapeTable, calibrate_shapes, shape_curve
from mmhand.fitting.shape_calibration import STRATEGIES, ShapeCurve, choose_rows
from mmhand.hand_models import HandModel
from mmhand.structures import get_joint_set
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.visualization.sample_view import present, sides_of

from .picture_result import PictureResult

_MM = 1000.0

#: Resamples of the pictures that tell how sure the shape is.
_RESAMPLES = 200

#: A picture's own shape is odd if it is so many times further from the median shape than the median
#: picture is, and at least so many millimetres.
_ODD, _ODD_LEAST = 3.0, 5.0

_PERSON = 'person'


@dataclass(frozen=True, eq=False)
class Sighting:
    """One estimate of the person's shape.

    Attributes:
        picture: number of the picture.
        side: 0 right, 1 left.
        betas: (S,).
        confidence: higher is better; ``nan`` where the network states none.
    """

    picture: int
    side: int
    betas: np.ndarray
    confidence: float


@dataclass(frozen=True, eq=False)
class PersonalHand:
    """A calibrated hand and how it came about. Lengths are millimetres.

    Attributes:
        betas: (S,) float32.
        hand_model: right hand that the betas belong to.
        strategy: see :func:`mmhand.fitting.calibrate_shapes`.
        sightings: all N estimates.
        used: rows of ``sightings`` that the shape was made of, in their order.
        distances: (N,) mean distance of each sighting's own rest mesh from the result.
        odd: (N,) whether a sighting is far from the others; it may show another hand, or be misread.
            Odd ones are never used.
        uncertainty: (2,) median and 95th percentile of how far the mesh moves when other pictures of
            the kind are drawn. An error that all pictures share does not show in it.
        curve: distance of the shape of fewer pictures from the result, by their number.
        length: wrist to tip of the middle finger at rest; of the person and of the mean shape.
        breadth: across the four knuckles; of the person and of the mean shape.
    """

    betas: np.ndarray
    hand_model: HandModel
    strategy: str
    sightings: tuple[Sighting, ...]
    used: np.ndarray
    distances: np.ndarray
    odd: np.ndarray
    uncertainty: tuple[float, float]
    curve: ShapeCurve
    length: tuple[float, float]
    breadth: tuple[float, float]

    def rest_vertices(self) -> np.ndarray:
        """(V, 3) the right hand with all joints at rest, metres."""
        return _rest(self.hand_model, self.betas[None])[0][0]

    def table(self, pictures: Sequence[str]) -> ShapeTable:
        """What is saved: the shape, and what it was made of.

        Args:
            pictures: names.
        """
        return ShapeTable(
            (_PERSON,),
            self.betas[None],
            type(self.hand_model).__name__,
            np.array([len(self.used)]),
            f'{self.strategy} of {len(self.sightings)} hands in {len(pictures)} pictures',
            dict(
                pictures=np.array([pictures[s.picture] for s in self.sightings], dtype=np.str_),
                side=np.array([s.side for s in self.sightings]),
                betas=np.stack([s.betas for s in self.sightings]).astype(np.float32),
                confidence=np.array([s.confidence for s in self.sightings]),
                used=self.used,
                uncertainty_mm=np.array(self.uncertainty),
                rest_vertices=self.rest_vertices().astype(np.float32),
                faces=self.hand_model.faces.cpu().numpy(),
            ),
        )


def sightings_of(results: Iterable[PictureResult], side: str | None = None) -> list[Sighting]:
    """The shapes in what a network said about pictures.

    Args:
        results: of a :class:`~mmhand.apis.HandInferencer`, one by one; none is kept.
        side: ``'right'`` or ``'left'`` alone; both if ``None``.

    Raises:
        HandConfigError: the network predicts no shapes.
    """
    found = []
    for picture, result in enumerate(results):
        for sample in result.samples:
            hands = sample.get('pred_hands')
            if hands is None or not len(hands):
                continue
            if 'betas' not in hands:
                raise HandConfigError(
                    'this model predicts no shape coefficients (betas), so that no hand can be '
                    'calibrated with it'
                )
            sides, there = sides_of(hands), present(hands)
            for row in np.flatnonzero(there):
                if side is not None and SIDES[sides[row]] != side:
                    continue
                value = hands.get('confidence')
                confidence = float('nan') if value is None else float(value[row].reshape(-1)[0])
                betas = hands.betas[row].cpu().numpy().astype(np.float64)
                if np.isfinite(betas).all():
                    found.append(Sighting(picture, int(sides[row]), betas, confidence))
    return found


def personal_hand(
    hand_model: HandModel,
    sightings: Sequence[Sighting],
    strategy: str | None = None,
    num: int = 20,
    seed: int = 0,
) -> PersonalHand:
    """Calibrate one person's hand.

    Args:
        hand_model: right hand that the betas belong to.
        sightings: estimates.
        strategy: see :func:`mmhand.fitting.calibrate_shapes`; ``None``: the ``num`` most confident if
            all state a confidence, else all.
        num: how many are taken, where the strategy takes some.
        seed: of draws.

    Raises:
        HandDataError: no estimates; or betas of another number than the hand model's.
        HandConfigError: unknown strategy.
    """
    if not sightings:
        raise HandDataError('no hand was found, so there is nothing to calibrate with')
    betas = np.stack([s.betas for s in sightings])
    if betas.shape[1] != hand_model.num_betas:
        raise HandDataError(
            f'the pictures give {betas.shape[1]} betas, {type(hand_model).__name__} takes '
            f'{hand_model.num_betas}'
        )
    confidence = np.array([s.confidence for s in sightings])
    scored = bool(np.isfinite(confidence).all())
    strategy = strategy or ('top' if scored else 'all')
    if strategy not in STRATEGIES:
        raise HandConfigError(f'strategy "{strategy}" is not one of {", ".join(STRATEGIES)}')
    odd = _odd(hand_model, betas)
    kept = np.flatnonzero(~odd)
    scores = confidence[kept] if scored else None
    names = [_PERSON] * len(kept)
    shape = calibrate_shapes(betas[kept], names, strategy, num, seed, scores)[_PERSON]
    used = kept[choose_rows(names, strategy, num, seed, scores)[_PERSON]]

    def error(shapes: np.ndarray, _: Sequence[str]) -> np.ndarray:
        return _mesh_distances(hand_model, shapes, shape)

    nums = [n for n in (1, 2, 3, 5, 10, 20, 50, 100, 200) if n < len(used)] + [len(used)]
    curve = shape_curve(betas[used], names[: len(used)], error, nums, range(20))
    distances = _mesh_distances(hand_model, betas, shape)
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(used), size=(_RESAMPLES, len(used)))
    moved = _mesh_distances(hand_model, betas[used][draws].mean(1), shape)
    both = np.stack([shape, np.zeros_like(shape)])
    joints = _MM * _rest(hand_model, both)[1]
    canonical = get_joint_set('canonical')
    wrist, tip, first, last = map(canonical.index, ('wrist', 'middle4', 'index1', 'pinky1'))
    lengths = np.linalg.norm(joints[:, tip] - joints[:, wrist], axis=-1)
    breadths = np.linalg.norm(joints[:, first] - joints[:, last], axis=-1)
    return PersonalHand(
        shape.astype(np.float32),
        hand_model,
        strategy,
        tuple(sightings),
        used,
        distances,
        odd,
        (float(np.median(moved)), float(np.quantile(moved, 0.95))),
        curve,
        (float(lengths[0]), float(lengths[1])),
        (float(breadths[0]), float(breadths[1])),
    )


def _odd(hand_model: HandModel, betas: np.ndarray) -> np.ndarray:
    """(N,) which shapes (N, S) are far from the median one; none of one or two.

    A mean has no defence: one hand of someone else, or one misread, moves it by its share.
    """
    if len(betas) < 3:
        return np.zeros(len(betas), bool)
    apart = _mesh_distances(hand_model, betas, np.median(betas, axis=0))
    return apart > max(_ODD * float(np.median(apart)), _ODD_LEAST)


@torch.no_grad()
def _rest(hand_model: HandModel, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N, V, 3) and joints (N, 21, 3) of shaped hands at rest, metres."""
    device = hand_model.faces.device
    shape = torch.as_tensor(np.asarray(betas), dtype=torch.float32, device=device)
    count = hand_model.num_joints - 1
    fingers = torch.eye(3, device=device).expand(len(shape), count, 3, 3)
    out = hand_model(fingers[:, 0], fingers, shape)
    return out.vertices.cpu().double().numpy(), out.joints.cpu().double().numpy()


def _mesh_distances(hand_model: HandModel, betas: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """(N,) mean vertex distances of shapes (N, S) from one, millimetres."""
    vertices = _rest(hand_model, np.concatenate([betas, shape[None]]))[0]
    return _MM * np.linalg.norm(vertices[:-1] - vertices[-1], axis=-1).mean(-1)
