"""Pictures to hands, from the open weights in the package."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from mmengine.model import BaseDataPreprocessor

from mmhand.deploy import NetworkEngine
from mmhand.utils.errors import HandDataError

from .box_reading import read_boxes
from .found_hands import FoundHands
from .hand_reader import NARROW_VIEWS, HandReader, HandReadings, join
from .pairing import merge_boxes
from .palm_search import PalmSearch, tiles_of
from .partner_search import PartnerSearch, palms_around
from .patrol import strange_palms
from .suppression import has_partner, keep_hands, known_hands, same_reading
from .turned_crops import ANGLE, Picture, crop_affines, squares_of_hands

#: Of a reading that makes a second, turned look at its picture needless.
_SURE = 0.8
#: How much lower the least score of palms is that are beside a hand or are looked for again.
_FAINT = 0.5


class OpenHandFinder:
    """Finds hands and their 21 joints with MediaPipe's open networks; no download, no licence.

    A detector as :class:`~mmhand.apis.MMDetHandDetector` is (called with a picture it returns boxes),
    which also tells sides and joints (:meth:`find`).

    A picture alone: the palm detector looks at the whole picture and at overlapping tiles; each palm
    becomes an upright crop, which is cropped again about what the landmark network sees in it until it
    stays; what several crops of a hand agree on counts. Around every hand that has no partner nearby one
    is looked for that touches it or is behind it (:class:`~.partner_search.PartnerSearch`). Readings of
    the same hand, and hands inside a hand, are dropped.

    A box given: the hand in it is read in ``turns`` turned crops, since the box does not say where the
    fingers point, and the best of them, cropped again, is taken.

    Args:
        engine: ``'torch'`` or ``'onnxruntime'``, see :class:`mmhand.deploy.NetworkEngine`.
        device: where torch runs.
        tiles: 1 is the whole picture, n squares of about 1 / n of its longer side.
        palm_threshold: least score of a palm, in [0, 1].
        presence: least score of a hand: the landmark network's presence times how well several crops
            of it agree, in [0, 1].
        turns: turned crops of a given box.
        views: crops that are combined at the end; 1 is fastest, 2 adds the mirrored one.
        steps: crops at most until one stays.
        partners: look around hands for those that touch them.
        max_hands: of one picture, at most.
        merge: a call returns one box around the two hands of a pair, for methods that see both.

    Raises:
        HandConfigError: see :class:`mmhand.deploy.NetworkEngine`.
        HandFileError: the weights in the package are damaged.
    """

    def __init__(
        self,
        engine: str = 'torch',
        device: str = 'cpu',
        tiles: Sequence[int] = (1, 2),
        palm_threshold: float = 0.3,
        presence: float = 0.5,
        turns: int = 8,
        views: int = 6,
        steps: int = 3,
        partners: bool = True,
        max_hands: int = 10,
        merge: bool = False,
    ) -> None:
        from mmhand.models.blaze import BlazeHand, BlazePalm

        # Given as an object: a config of it would make the registry import every network.
        hand, palm = BlazeHand(data_preprocessor=BaseDataPreprocessor()), BlazePalm()
        self.reader = HandReader(
            NetworkEngine(hand, hand.network_and_maps, (3, 224, 224), engine, device),
            hand.INPUT_SIZE,
        )
        self.search = PalmSearch(
            NetworkEngine(palm, palm, (3, 192, 192), engine, device), palm.INPUT_SIZE
        )
        self.tiles, self.palm_threshold, self.presence = tuple(tiles), palm_threshold, presence
        self.turns, self.views, self.steps = turns, views, steps
        self.max_hands, self.merge = max_hands, merge
        self.partners = PartnerSearch(self.reader) if partners else None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Find the hands of a picture.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            (N, 4) boxes x, y, w, h in pixels, the surest first; N may be 0. With ``merge`` one box for
            each pair of hands.
        """
        found = self.find([image])[0]
        return merge_boxes(found) if self.merge else found.bboxes

    def find(
        self, images: Sequence[np.ndarray], bboxes: Sequence[np.ndarray] | None = None
    ) -> list[FoundHands]:
        """Find the hands of several pictures; their crops go through the networks together.

        Args:
            images: (H, W, 3) uint8 BGR each.
            bboxes: (K, 4) boxes x, y, w, h of hands in each picture, pixels; exactly one hand is read
                in each, in their order. Hands are looked for if ``None``.

        Returns:
            The hands of each picture.

        Raises:
            HandDataError: not as many pictures as lists of boxes, or a box without a size.
        """
        pictures = [Picture(image) for image in images]
        if bboxes is not None:
            return self._read_boxes(pictures, bboxes)
        if not pictures:
            return []
        hands, agreement = self._look(pictures, range(len(pictures)), (0.0,), self.palm_threshold)
        sure = hands.owners[hands.presence * agreement.mean(1) >= _SURE]
        doubtful = [number for number in range(len(pictures)) if number not in sure]
        if doubtful:
            turns = (np.pi / 2, np.pi, -np.pi / 2)
            more = self._look(pictures, doubtful, turns, _FAINT * self.palm_threshold)
            hands, agreement = self._distinct(*_joined((hands, agreement), more))
        hands = self._seen_wide(pictures, hands)
        if self.partners is not None and len(hands):
            hands, agreement = self._with_partners(pictures, hands, agreement)
        # The middle of a hand that is seen is in the picture.
        middle = hands.keypoints.mean(1)
        limits = np.array([picture.size for picture in pictures])[hands.owners]
        rows = np.flatnonzero(((middle >= 0) & (middle < limits)).all(1))
        hands, agreement = hands[rows], agreement[rows]
        order = np.argsort(-hands.presence * agreement.mean(1), kind='stable')
        hands, agreement = hands[order], agreement[order]
        return [
            self.result(hands, agreement, np.flatnonzero(hands.owners == number)[: self.max_hands])
            for number in range(len(pictures))
        ]

    def find_more(self, image: np.ndarray, squares: np.ndarray, known: np.ndarray) -> FoundHands:
        """Hands beside those that are known, by one quick look.

        Args:
            image: (H, W, 3) uint8 BGR.
            squares: (N, 4) where to look for palms, see :data:`~.turned_crops.CX`.
            known: (M, 21, 2) pixels of the known hands.

        Returns:
            The hands that are new.
        """
        pictures = [Picture(image)]
        owners = np.zeros(len(squares), int)
        palms = self.search(pictures, owners, squares, self.palm_threshold, self.max_hands)
        rows = strange_palms(palms.squares, squares_of_hands(known))
        hands, agreement = self._distinct(
            *self._read(pictures, palms.owners[rows], palms.squares[rows])
        )
        new = np.flatnonzero(~known_hands(hands.keypoints, known))
        hands, agreement = hands[new], agreement[new]
        return self.result(hands, agreement, np.arange(len(hands)))

    def _look(
        self,
        pictures: Sequence[Picture],
        numbers: Sequence[int],
        turns: Sequence[float],
        threshold: float,
    ) -> tuple[HandReadings, np.ndarray]:
        """Hands by palms in turned tiles of some of the pictures."""
        tiles = [tiles_of(*pictures[number].size, self.tiles) for number in numbers]
        owners = np.repeat(list(numbers), [len(rows) * len(turns) for rows in tiles])
        squares = np.concatenate([np.repeat(rows, len(turns), 0) for rows in tiles])
        squares[:, ANGLE] = np.tile(turns, len(squares) // len(turns))
        palms = self.search(pictures, owners, squares, threshold, 2 * self.max_hands)
        return self._distinct(*self._read(pictures, palms.owners, palms.squares))

    def _read(
        self,
        pictures: Sequence[Picture],
        owners: np.ndarray,
        squares: np.ndarray,
    ) -> tuple[HandReadings, np.ndarray]:
        """Crops to hands that several crops agree on, each once."""
        first = self.reader(pictures, owners, squares)
        first = first[_unlike_rows(first)]
        readings = self.reader.converge(pictures, first, self.steps)
        readings = readings[_distinct_rows(readings, readings.presence)]
        return self.reader.views(pictures, readings, min(self.views, 4), NARROW_VIEWS, False)

    def _distinct(
        self, hands: HandReadings, agreement: np.ndarray
    ) -> tuple[HandReadings, np.ndarray]:
        """Hands present and of their own, the surest first."""
        scores = hands.presence * agreement.mean(1)
        enough = np.flatnonzero(scores >= self.presence)
        rows = enough[_distinct_rows(hands[enough], scores[enough])]
        return hands[rows], agreement[rows]

    def _seen_wide(self, pictures: Sequence[Picture], hands: HandReadings) -> HandReadings:
        """Hands with the joints that far-turned crops agree on.

        They are nearer the truth on the mean, but say less about what is a hand and of which side: 0.49
        of a right hand of demo/images, where upright crops say 0.74.
        """
        if self.views < 2 or not len(hands):
            return hands
        wide, _ = self.reader.views(pictures, hands, self.views)
        return replace(wide, presence=hands.presence, right=hands.right)

    def _with_partners(
        self, pictures: Sequence[Picture], hands: HandReadings, agreement: np.ndarray
    ) -> tuple[HandReadings, np.ndarray]:
        """Hands, and those that touch them or are beside them."""
        alone = np.flatnonzero(~has_partner(hands))
        *touching, missed = self.partners(pictures, hands, alone)
        if not len(missed):
            return _joined((hands, agreement), tuple(touching))
        palms = palms_around(
            self.search, pictures, hands[missed], _FAINT * self.palm_threshold, self.max_hands
        )
        beside, agree = self._read(pictures, palms.owners, palms.squares)
        known = join((hands, touching[0]))
        new = np.ones(len(beside), bool)
        for owner in np.unique(beside.owners):
            rows = beside.owners == owner
            new[rows] = ~known_hands(beside.keypoints[rows], known.keypoints[known.owners == owner])
        beside, agree = self._distinct(beside[new], agree[new])
        more = self._seen_wide(pictures, beside), agree
        both = self._distinct(*_joined((hands, agreement), more))
        return _joined(both, tuple(touching))

    def _read_boxes(
        self, pictures: Sequence[Picture], bboxes: Sequence[np.ndarray]
    ) -> list[FoundHands]:
        if len(bboxes) != len(pictures):
            raise HandDataError(f'{len(pictures)} pictures and {len(bboxes)} lists of boxes')
        lists = [np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in bboxes]
        boxes = np.concatenate(lists)
        if not (np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()):
            raise HandDataError('a box around a hand is no x, y, w, h with a positive size')
        owners = np.repeat(np.arange(len(lists)), [len(rows) for rows in lists])
        hands, agreement = read_boxes(
            self.reader, pictures, owners, boxes, self.turns, self.views, self.steps
        )
        return [
            self.result(hands, agreement, np.flatnonzero(owners == number))
            for number in range(len(pictures))
        ]

    def result(self, hands: HandReadings, agreement: np.ndarray, rows: np.ndarray) -> FoundHands:
        """Readings as what was found.

        Args:
            hands: readings.
            agreement: (N, 21) how well several crops agree on each joint.
            rows: which of them.
        """
        keypoints, joints = hands.keypoints[rows], hands.joints[rows]
        low, high = keypoints.min(1), keypoints.max(1)
        arrays = dict(
            bboxes=np.concatenate((low, high - low), 1),
            scores=hands.presence[rows] * agreement[rows].mean(1),
            right_scores=hands.right[rows],
            keypoints_2d=keypoints,
            keypoint_scores=agreement[rows],
            keypoints_3d=joints - joints[:, :1],
            affines=crop_affines(hands.squares[rows], self.reader.size),
        )
        arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
        sides = (arrays['right_scores'] < 0.5).astype(np.int64)
        return FoundHands(**arrays, sides=sides, crop_size=self.reader.size)


def _distinct_rows(readings: HandReadings, scores: np.ndarray) -> np.ndarray:
    """Rows of the hands that are their own, picture by picture."""
    kept = [np.zeros(0, int)]
    for owner in np.unique(readings.owners):
        rows = np.flatnonzero(readings.owners == owner)
        kept.append(rows[keep_hands(readings.keypoints[rows], scores[rows])])
    return np.concatenate(kept)


def _unlike_rows(readings: HandReadings) -> np.ndarray:
    """Rows of the surest of readings that are alike already, joint by joint."""
    kept: list[int] = []
    for row in np.argsort(-readings.presence, kind='stable'):
        near = same_reading(readings.keypoints[[row, *kept]])[0, 1:]
        if not (near & (readings.owners[kept] == readings.owners[row])).any():
            kept.append(int(row))
    return np.array(kept, int)


def _joined(
    one: tuple[HandReadings, np.ndarray], other: tuple[HandReadings, np.ndarray]
) -> tuple[HandReadings, np.ndarray]:
    return join((one[0], other[0])), np.concatenate((one[1], other[1]))
