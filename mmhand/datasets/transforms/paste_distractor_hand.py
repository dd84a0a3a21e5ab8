"""Another hand laid over the hand of a sample: AIH_syn with joints."""

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmhand.datasets.aih.paste import OVERLAP, Move, draw_over, move_picture
from mmhand.registry import TRANSFORMS
from mmhand.structures.hand_masks import HAND_MASK_PLANES
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.utils.pipeline import Steps, build_transforms

from .mirror_hands import mirror_hands
from .planes import mask_labels
from .random_state import worker_random_state
from .select_hand import SIDES

#: Samples that are drawn before a set is held to have no hand of the other side.
_DRAWS = 200

#: Donors that are tried before a sample stays as it is.
_DONORS = 5


@TRANSFORMS.register_module()
class PasteDistractorHand(BaseTransform):
    """Lay a hand of the other side, from another sample of the set, over the sample's hand.

    HDR's rules for AIH_syn (methods/hdr.md#aih): both hands come from pictures of single hands,
    each cut out
    by its own box; the other hand is moved (a fifth as far as targets are), scaled and turned until
    the share of it that lies on the target is within bounds, and is pasted by its amodal mask. AIH
    itself has no joints; here the target keeps its own, hidden ones included.

    It belongs after the warp into the crop (and after :class:`MirrorLeftHand`) and before colours are
    changed, which then change for both hands alike. Samples whose hands do not meet within the tries
    stay as they are.

    Required keys: ``img`` (S, S, 3), ``hand_masks`` (S, S, 4), ``hand_type``, ``data_source``.
    Modified: ``img``, ``hand_masks`` (the target's visible plane and both planes of the other hand).
    Added where a hand was pasted: ``distractor``, the donor's ``sample_id``.

    Args:
        donor_pipeline: transforms that cut a donor's hand out as the sample's was, without a random
            crop; named or in a list.
        prob: of pasting at all.
        over_prob: of laying the other hand over the target, as AIH does, and not under it.
        overlap: lowest and highest share of the other hand that lies on the target; the authors'
            bounds are not known.

    Raises:
        HandConfigError: a bound makes no sense, or the set has no single hand of the other side.
        HandDataError: the sample has no masks, or none of its hand.
    """

    needs = ('img', 'hand_masks', 'hand_type', 'data_source')
    gives = ('distractor',)

    def __init__(
        self,
        donor_pipeline: Steps,
        prob: float = 0.5,
        over_prob: float = 1.0,
        overlap: tuple[float, float] = OVERLAP,
    ) -> None:
        for name, value in (('prob', prob), ('over_prob', over_prob)):
            if not 0 <= value <= 1:
                raise HandConfigError(f'PasteDistractorHand: {name} is {value}, not in 0 to 1')
        if not 0 <= overlap[0] < overlap[1] <= 1:
            raise HandConfigError(
                f'PasteDistractorHand: overlap {tuple(overlap)} is no range within 0 to 1'
            )
        self.donor_pipeline = Compose(build_transforms(donor_pipeline))
        self.prob = prob
        self.over_prob = over_prob
        self.overlap = (float(overlap[0]), float(overlap[1]))

    def transform(self, results: dict) -> dict:
        """Draw and paste."""
        name = results.get('sample_id')
        if 'hand_masks' not in results:
            raise HandDataError(
                f'sample {name} has no masks to paste hands by; make them with '
                'tools/dataset_converters/interhand_masks.py and load them with LoadHandMasks'
            )
        side = SIDES.index(results['hand_type'])
        target = _amodal(results['hand_masks'], side)
        if not target.any():
            raise HandDataError(f'sample {name}: the mask of its hand is empty')
        rng = worker_random_state()
        pastes, over = rng.random_sample(2) < (self.prob, self.over_prob)
        for _ in range(_DONORS if pastes else 0):
            donor = self._donor(results, rng, results.get('flipped', False))
            if donor is None:
                continue
            mask = _amodal(donor['hand_masks'], 1 - side)
            move = draw_over(rng, target, mask, self.overlap) if mask.any() else None
            if move is not None:
                return self._paste(results, donor, move, side, over)
        return results

    def _donor(self, results: dict, rng: np.random.RandomState, mirrored: bool) -> dict | None:
        """A single hand, seen as the sample's: of the other side; ``None`` if it cannot be used."""
        source = results['data_source']
        # A left target was mirrored to be a right one; its distractor is mirrored to be a left one.
        wanted = SIDES.index(results['hand_type']) ^ 1 ^ int(mirrored)
        for _ in range(_DRAWS):
            info = source.get_data_info(int(rng.random_sample() * len(source)))
            if info['hand_type'] == SIDES[wanted]:
                break
        else:
            raise HandConfigError(
                f'PasteDistractorHand found no single {SIDES[wanted]} hand among {_DRAWS} samples: '
                'its data set needs single hands of both sides (subset hand_type single or all)'
            )
        try:
            donor = self.donor_pipeline(info)
        except (HandDataError, HandFileError):
            return None
        if donor['img'].shape != results['img'].shape:
            raise HandConfigError(
                f'PasteDistractorHand: donors are cut to {donor["img"].shape[:2]}, samples to '
                f'{results["img"].shape[:2]}; use one input_size in both pipelines'
            )
        if donor.get('flipped', False) != mirrored:
            mirror_hands(donor)
        return donor

    def _paste(self, results: dict, donor: dict, move: Move, side: int, over: bool) -> dict:
        """Combine pictures and masks."""
        target = _amodal(results['hand_masks'], side) > 0
        pasted = move_picture(_amodal(donor['hand_masks'], 1 - side), move) > 0
        shown = pasted if over else pasted & ~target
        picture = move_picture(donor['img'], move)
        results['img'] = np.where(shown[..., None], picture, results['img'])
        planes = results['hand_masks'].copy()
        for index, amodal, visible in (
            (side, target, target & ~shown),
            (1 - side, pasted, shown),
        ):
            planes[..., _plane(index, 'amodal')] = 255 * amodal
            planes[..., _plane(index, 'visible')] = 255 * visible
        results['hand_masks'] = planes
        results['distractor'] = donor['sample_id']
        return results


def _plane(side: int, kind: str) -> int:
    return HAND_MASK_PLANES.index(f'{SIDES[side]}_{kind}')


def _amodal(masks: np.ndarray, side: int) -> np.ndarray:
    """(S, S) uint8 of 0 and 1."""
    return mask_labels(masks[..., _plane(side, 'amodal')])
