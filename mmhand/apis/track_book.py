"""Which hand of a frame is which hand of the frames before."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

#: Log-odds of a side count at most so much a frame and in all, so that a side neither flickers nor
#: stays wrong for more than a few frames against the evidence.
_FRAME_LIMIT, _TOTAL_LIMIT = 2.0, 6.0

#: Seconds after which a hand may come back anywhere near.
_AWAY = 3.0

#: Costs from here on are no match.
_NEVER = 1e6


@dataclass
class Track:
    """A hand through time.

    Attributes:
        number: its identity.
        keypoints: (21, 2) pixels where it was seen last.
        velocity: (2,) pixels a second, of its middle.
        side_odds: log-odds that it is a right hand.
        time: seconds, when it was seen last.
        frames: how often it was seen.
    """

    number: int
    keypoints: np.ndarray
    velocity: np.ndarray
    side_odds: float
    time: float
    frames: int = 1

    @property
    def side(self) -> int:
        """0 right, 1 left."""
        return int(self.side_odds < 0)

    @property
    def span(self) -> float:
        """Longer side of its box, pixels."""
        return float(max(np.ptp(self.keypoints, axis=0).max(), 1.0))

    def expected(self, time: float) -> np.ndarray:
        """(21, 2) where it should be; a hand is not followed blindly for long."""
        return self.keypoints + self.velocity * min(time - self.time, 0.1)


class TrackBook:
    """Keeps tracks of hands, gives numbers to new ones, and knows again those that come back.

    Args:
        gate: of a match: mean distance of joints, over the hand's span.
        memory: seconds for which a hand that left is remembered.
        back: how far from where it left a hand may come back, over its span, after three seconds.
    """

    def __init__(self, gate: float = 0.6, memory: float = 15.0, back: float = 6.0) -> None:
        self.gate, self.memory, self.back = gate, memory, back
        self.tracks: list[Track] = []
        self._next = 0

    def seen_at(self, time: float) -> list[Track]:
        """Tracks that the frame of that time showed."""
        return [track for track in self.tracks if track.time == time]

    def match(
        self, keypoints: np.ndarray, right: np.ndarray, time: float, tracks: list[Track]
    ) -> list[Track | None]:
        """The best track of each hand, each track once.

        A hand that was away may come back elsewhere; then its side must agree.

        Args:
            keypoints: (N, 21, 2) pixels.
            right: (N,) probability that it is a right hand.
            time: seconds.
            tracks: those to choose from.

        Returns:
            N tracks or ``None``.
        """
        if not len(keypoints) or not tracks:
            return [None] * len(keypoints)
        costs = np.full((len(keypoints), len(tracks)), _NEVER)
        for column, track in enumerate(tracks):
            away = max(time - track.time, 0.0)
            if away > self.memory:
                continue
            apart = np.linalg.norm(keypoints - track.expected(time), axis=-1).mean(1) / track.span
            middle = keypoints.mean(1) - track.keypoints.mean(0)
            moved = np.linalg.norm(middle, axis=-1) / track.span
            size = np.abs(np.log(np.ptp(keypoints, axis=1).max(-1).clip(1) / track.span))
            other = np.abs((right >= 0.5).astype(int) - (1 - track.side))
            # How surely the sides differ.
            wrong = other * np.abs(2 * right - 1) * min(abs(track.side_odds) / 2, 1.0)
            # Two hands do not lie in one place: there it is the side that was read wrongly.
            near = (apart < self.gate) & ((wrong < 0.9) | (apart < 0.15))
            reach = self.gate + (self.back - self.gate) * min(away / _AWAY, 1.0)
            returns = (away > 0.2) & (moved < reach) & (size < 0.7) & (wrong < 0.3)
            cost = apart + 0.5 * size + wrong
            costs[near, column] = cost[near]
            costs[~near & returns, column] = 10 + cost[~near & returns]
        rows, columns = linear_sum_assignment(costs)
        best: list[Track | None] = [None] * len(keypoints)
        for row, column in zip(rows, columns, strict=True):
            if costs[row, column] < _NEVER:
                best[row] = tracks[column]
        return best

    def update(
        self, keypoints: np.ndarray, right: np.ndarray, time: float, matches: list[Track | None]
    ) -> list[Track]:
        """Write down the hands of a frame.

        Args:
            keypoints: (N, 21, 2) pixels.
            right: (N,) probability that it is a right hand.
            time: seconds, later than the frame before.
            matches: the track of each hand; ``None`` begins one.

        Returns:
            The track of each hand.
        """
        odds = np.log(np.clip(right, 1e-3, 1 - 1e-3) / np.clip(1 - right, 1e-3, 1 - 1e-3))
        odds = np.clip(odds, -_FRAME_LIMIT, _FRAME_LIMIT)
        result = []
        for points, odd, track in zip(keypoints, odds, matches, strict=True):
            if track is None:
                track = Track(self._next, points, np.zeros(2), 2 * float(odd), time)
                self._next += 1
                self.tracks.append(track)
            else:
                since = time - track.time
                step = (points - track.keypoints).mean(0) / max(since, 1e-3)
                fresh = since > 0.2
                track.velocity = np.zeros(2) if fresh else 0.5 * track.velocity + 0.5 * step
                total = track.side_odds + float(odd)
                track.side_odds = float(np.clip(total, -_TOTAL_LIMIT, _TOTAL_LIMIT))
                track.keypoints, track.time, track.frames = points, time, track.frames + 1
            result.append(track)
        self.tracks = [track for track in self.tracks if time - track.time <= self.memory]
        return result
