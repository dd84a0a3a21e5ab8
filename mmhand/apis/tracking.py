"""Hands followed through a video."""

from dataclasses import replace

import numpy as np
import torch

from mmhand.fitting import HandSmoother, PlacedHands, TrackShape
from mmhand.structures import HandCamera, HandDataSample
from mmhand.utils.threads import one_thread

from .finding import FoundHands
from .finding.hand_reader import HandReadings
from .finding.patrol import Patrol
from .finding.suppression import known_hands, same_hand
from .finding.turned_crops import SIZE, Picture, squares_of_hands
from .open_hands import OpenHands, hand_sample
from .steady_views import SteadyViews
from .track_book import Track, TrackBook
from .track_placing import TrackPlacer

#: Least presence of a hand that is followed; one that is looked for must be surer.
_FOLLOWED = 0.4

#: Of the crops of followed hands. They are taken about what wide crops told, in which palms are a
#: fiftieth smaller (of real and rendered hands) than in the narrow ones that the crops of pictures are
#: taken about; and the smaller a crop, the further a bent hand leans in depth.
_SCALE = 2.05


class HandTracker:
    """Runs :class:`~mmhand.apis.open_hands.OpenHands` over the frames of one video.

    A hand that is followed is read again in a crop where it was, and the hand model laid into it starts
    from where it was. New hands are looked for a little at a time (:class:`~.finding.patrol.Patrol`):
    every few frames, and where a hand got lost. The whole search that pictures get, with hands behind
    hands, is made at the beginning, when a hand appears, and seldom again. Sides are those that the
    readings of a track add up to. Pose and place are smoothed and each track has one shape.

    Args:
        method: finder and fit.
        refresh: frames between two looks for more hands while some are followed.
        patience: frames between two looks while there is none.
        views: crops of a followed hand that are averaged every few frames, see
            :class:`~.steady_views.SteadyViews`; 1 is fastest.
        smooth: whether pose, place and shape are filtered.
        thorough: frames at least between two whole searches.
    """

    def __init__(
        self,
        method: OpenHands,
        refresh: int = 15,
        patience: int = 3,
        views: int = 6,
        smooth: bool = True,
        thorough: int = 300,
    ) -> None:
        self.method, self.finder = method, method.finder
        self.refresh, self.patience, self.thorough = refresh, patience, thorough
        self.steady = SteadyViews(self.finder.reader, views, _SCALE)
        self.book = TrackBook()
        shape = TrackShape(forget=self.book.memory) if method.betas is None else None
        models = list(method.hand_models)
        self.smoother = HandSmoother(models, shape=shape) if smooth else None
        self.last: float | None = None
        self.waited, self.since_whole = refresh, thorough
        self.patrol: Patrol | None = None
        self.placer = TrackPlacer(method, thorough // 10)
        #: How often hands were looked for.
        self.searches = 0

    @one_thread()
    def __call__(self, image: np.ndarray, camera: HandCamera, time: float) -> HandDataSample:
        """The hands of the next frame.

        Args:
            image: (H, W, 3) uint8 BGR.
            camera: of the video.
            time: seconds, later than the frame before.

        Returns:
            A sample as :func:`~mmhand.apis.open_hands.hand_sample` makes, with ``track`` (N,) int64.
        """
        active = [] if self.last is None else self.book.seen_at(self.last)
        found, matches = self._follow(image, active, time)
        self.waited, self.since_whole = self.waited + 1, self.since_whole + 1
        lost = [track for track in active if not any(track is other for other in matches)]
        due = self.waited >= (self.refresh if len(found) else self.patience)
        if lost or due:
            found, matches = self._search(image, found, matches, time, lost)
        right = found.right_scores.astype(np.float64)
        tracks = self.book.update(found.keypoints_2d.astype(np.float64), right, time, matches)
        self.last = time
        found = replace(found, sides=np.array([track.side for track in tracks], np.int64))
        placed = self.placer(found, tracks, camera)
        numbers = torch.tensor([track.number for track in tracks], dtype=torch.long)
        if self.smoother is not None and len(tracks):
            placed = self.smoother(placed, numbers, time, camera)
        return self._sample(found, placed, camera, image, tracks)

    def _follow(
        self, image: np.ndarray, active: list[Track], time: float
    ) -> tuple[FoundHands, list[Track | None]]:
        """Read hands again where they should be by now."""
        pictures = [Picture(image)]
        reader = self.finder.reader
        places = np.stack([track.expected(time) for track in active] or [np.zeros((21, 2))])
        places = places[: len(active)]
        readings = reader(pictures, np.zeros(len(active), int), squares_of_hands(places, _SCALE))
        keep = readings.presence >= _FOLLOWED
        size = np.ptp(readings.keypoints, axis=1).max(-1) if len(active) else np.zeros(0)
        spans = np.array([track.span for track in active])
        keep &= (size > 0.5 * spans) & (size < 2 * spans)
        for row in np.flatnonzero(keep):
            # Two tracks on one hand: the one that moved more was drawn over to it.
            twins = [other for other in np.flatnonzero(keep) if other != row]
            for other in twins if keep[row] else ():
                if same_hand(readings.keypoints[[row, other]])[0, 1]:
                    moved = [
                        np.linalg.norm(readings.keypoints[i] - places[i], axis=-1).mean() / spans[i]
                        for i in (row, other)
                    ]
                    keep[row if moved[0] > moved[1] else other] = False
        rows = np.flatnonzero(keep)
        numbers = [active[row].number for row in rows]
        readings, agreement = self.steady(pictures, readings[rows], numbers)
        found = self._found(readings, agreement)
        return found, [active[row] for row in rows]

    def _search(
        self,
        image: np.ndarray,
        found: FoundHands,
        matches: list[Track | None],
        time: float,
        lost: list[Track],
    ) -> tuple[FoundHands, list[Track | None]]:
        """Look for hands that are not followed."""
        self.waited, self.searches = 0, self.searches + 1
        known = found.keypoints_2d.astype(np.float64)
        new = None
        if self.since_whole < self.thorough:
            new = self._glance(image, known, lost)
        # A hand that a glance finds may have a partner that only the whole search sees.
        alone = new is not None and len(new) == 1 and not len(found)
        if new is None or alone and self.since_whole >= self.thorough // 5:
            (new,) = self.finder.find([image])
            self.since_whole = 0
        if not len(new):
            return found, matches
        if len(found):
            new = new[np.flatnonzero(~known_hands(new.keypoints_2d, known))]
        free = [track for track in self.book.tracks if track not in matches]
        more = self.book.match(
            new.keypoints_2d.astype(np.float64), new.right_scores.astype(np.float64), time, free
        )
        names = ('bboxes', 'sides', 'scores', 'right_scores', 'keypoints_2d')
        names += ('keypoint_scores', 'keypoints_3d', 'affines')
        arrays = {n: np.concatenate((getattr(found, n), getattr(new, n))) for n in names}
        return FoundHands(**arrays, crop_size=new.crop_size), [*matches, *more]

    def _glance(self, image: np.ndarray, known: np.ndarray, lost: list[Track]) -> FoundHands:
        """New hands in some parts of the picture, and where hands got lost."""
        if self.patrol is None:
            self.patrol = Patrol(image.shape[1], image.shape[0])
        squares = [self.patrol.next()]
        if lost:
            around = squares_of_hands(np.stack([track.keypoints for track in lost]))
            around[:, SIZE] *= 1.5
            squares.append(around)
        return self.finder.find_more(image, np.concatenate(squares), known)

    def _found(self, readings: HandReadings, agreement: np.ndarray) -> FoundHands:
        if not len(readings):
            agreement = np.zeros((0, 21))
        return self.finder.result(readings, agreement, np.arange(len(readings)))

    def _sample(
        self,
        found: FoundHands,
        placed: PlacedHands,
        camera: HandCamera,
        image: np.ndarray,
        tracks: list[Track],
    ) -> HandDataSample:
        sample = hand_sample(found, placed, camera, image.shape[:2])
        hands = sample.pred_hands
        hands.track = torch.tensor([track.number for track in tracks], dtype=torch.long)
        odds = torch.tensor([abs(track.side_odds) for track in tracks]).sigmoid()
        hands.side_score = odds.to(hands.side_score)
        return sample
