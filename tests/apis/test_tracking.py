"""Identities and sides through time, without and with the networks."""

import gc

import numpy as np
import pytest
import torch

from mmhand.apis.finding import FoundHands
from mmhand.apis.finding.hand_reader import HandReadings
from mmhand.apis.open_hands import OpenHands
from mmhand.apis.track_book import TrackBook
from mmhand.apis.tracking import HandTracker
from mmhand.hand_models import OpenHand
from mmhand.structures import HandCamera

HAND = np.random.default_rng(0).uniform(0, 100, (21, 2))


def run(book, frames):
    """Track numbers and sides of frames: time to a list of (middle, right)."""
    told = []
    for time, hands in frames:
        points = np.array([HAND + middle for middle, _ in hands]).reshape(-1, 21, 2)
        right = np.array([right for _, right in hands])
        matches = book.match(points, right, time, book.tracks)
        tracks = book.update(points, right, time, matches)
        told.append([(track.number, track.side) for track in tracks])
    return told


def test_hands_that_pass_each_other_keep_their_numbers():
    frames = [
        (k / 30, [((20 * k, 0), 0.95), ((600 - 20 * k, 30), 0.05)][:: 1 if k % 2 else -1])
        for k in range(31)
    ]
    for told in run(TrackBook(), frames):
        assert {side: number for number, side in told} in ({0: 0, 1: 1}, {0: 1, 1: 0})
    numbers = [{s: n for n, s in told} for told in run(TrackBook(), frames)]
    assert all(each == numbers[0] for each in numbers)


def test_a_side_does_not_flicker_but_can_be_mended():
    rights = [0.9] * 5 + [0.2] + [0.9] * 5 + [0.02] * 8
    told = run(TrackBook(), [(k / 30, [((k, 0), right)]) for k, right in enumerate(rights)])
    sides = [hand[0][1] for hand in told]
    assert sides[:11] == [0] * 11
    assert sides[-1] == 1
    assert sum(a != b for a, b in zip(sides, sides[1:], strict=False)) == 1
    assert {hand[0][0] for hand in told} == {0}


def test_a_hand_that_comes_back_is_known_for_a_while():
    def after(gap, right, place):
        frames = [(0.0, [((0, 0), 0.95)]), (0.1, [((5, 0), 0.95)]), (0.1 + gap, [(place, right)])]
        return run(TrackBook(), frames)[-1][0][0]

    assert after(1.5, 0.95, (200, 0)) == 0
    assert after(1.5, 0.05, (200, 0)) == 1  # the other hand
    assert after(1.5, 0.95, (2000, 0)) == 1  # far away
    assert after(5.0, 0.95, (200, 0)) == 0
    assert after(20.0, 0.95, (0, 0)) == 1  # long ago
    assert after(0.1, 0.95, (300, 0)) == 1  # a jump


class ToyFinder:
    """Knows where the hands of a frame are; frames are their own numbers."""

    def __init__(self, hands):
        self.hands, self.reader, self.calls, self.size = hands, self, 0, 224

    def find(self, images):
        self.calls += 1
        points, joints, right = self.hands(int(images[0][0, 0, 0]))
        readings = HandReadings(
            np.zeros(len(points), int),
            np.zeros((len(points), 4)),
            points,
            joints,
            np.ones(len(points)),
            right,
        )
        return [self.result(readings, np.ones((len(points), 21)), np.arange(len(points)))]

    def find_more(self, image, squares, known):
        found = self.find([image])[0]
        return found[slice(len(known), None)]

    def __call__(self, pictures, owners, squares, mirrored=None):
        points, joints, right = self.hands(int(pictures[0].levels[0][0, 0, 0]))
        rows, presence = [], []
        for square in squares:
            apart = [np.linalg.norm(p.mean(0) - square[:2]) for p in points]
            rows.append(int(np.argmin(apart)) if apart else -1)
            presence.append(float(bool(apart) and min(apart) < square[2]))
        if not rows or -1 in rows:
            points, joints = np.zeros((1, 21, 2)), np.zeros((1, 21, 3))
            right = np.zeros(1)
        return HandReadings(
            np.asarray(owners), squares, points[rows], joints[rows], np.array(presence), right[rows]
        )

    def views(self, pictures, readings, number, scale=2.0):
        return readings, np.ones((len(readings), 21))

    def result(self, hands, agreement, rows):
        points = hands.keypoints[rows].astype(np.float32)
        low, high = points.min(1), points.max(1)
        return FoundHands(
            np.concatenate((low, high - low), 1),
            (hands.right[rows] < 0.5).astype(np.int64),
            hands.presence[rows].astype(np.float32),
            hands.right[rows].astype(np.float32),
            points,
            agreement[rows].astype(np.float32),
            (hands.joints[rows] - hands.joints[rows][:, :1]).astype(np.float32),
            np.zeros((len(rows), 2, 3), np.float32),
        )


K = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]], np.float32)


@pytest.fixture
def toy():
    """A right hand that shakes, leaves at frame 12 and is back at 18."""
    noise = np.random.default_rng(0)
    hand = OpenHand('right')
    zeros = torch.zeros(1, 3)

    def hands(number):
        if 12 <= number < 18:
            return np.zeros((0, 21, 2)), np.zeros((0, 21, 3)), np.zeros(0)
        transl = torch.tensor([[0.004 * number - 0.05, 0.0, 0.5]])
        joints = hand(zeros, torch.zeros(1, 45), torch.zeros(1, 10), transl).joints.numpy()
        seen = joints @ K.T
        points = seen[..., :2] / seen[..., 2:] + noise.normal(0, 1.5, (1, 21, 2))
        return points, joints + noise.normal(0, 0.004, joints.shape), np.array([0.9])

    return OpenHands(finder=ToyFinder(hands))


def test_tracks_are_followed_and_smoothed(toy):
    paths = {}
    for smooth in (False, True):
        tracker = HandTracker(toy, refresh=100, patience=1, smooth=smooth)
        paths[smooth] = []
        for number in range(24):
            sample = tracker(np.full((240, 320, 3), number, np.uint8), HandCamera(K), number / 30)
            hands = sample.pred_hands
            hands.check()
            assert len(hands) == (0 if 12 <= number < 18 else 1)
            if len(hands):
                assert hands.track.tolist() == [0]
                paths[smooth].append(hands.keypoints_3d[0])
        # Once at first, while it was away, and when it was back; not while it was followed.
        assert tracker.searches <= 9
    raw, smooth = (torch.stack(paths[kind][:12]) for kind in (False, True))
    shakes = [(p[2:] - 2 * p[1:-1] + p[:-2]).norm(dim=-1).mean() for p in (raw, smooth)]
    assert shakes[1] < 0.5 * shakes[0]


def test_nothing_piles_up_in_a_long_video(toy):
    """Hands leave and come back, tracks are made and forgotten; objects do not become more."""
    tracker, camera = HandTracker(toy), HandCamera(K)

    def objects_after(start, end):
        for number in range(start, end):
            image = np.full((240, 320, 3), number % 40, np.uint8)
            tracker(image, camera, 0.25 * number)
        gc.collect()
        return len(gc.get_objects())

    before = objects_after(0, 80)
    assert objects_after(80, 240) - before < 80
    assert len(tracker.book.tracks) <= 4
