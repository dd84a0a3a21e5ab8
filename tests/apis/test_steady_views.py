"""What several crops changed, added to the reading of one."""

import numpy as np
import pytest

from mmhand.apis.finding.hand_reader import HandReadings
from mmhand.apis.finding.turned_crops import crop_affines, invert_affines
from mmhand.apis.steady_views import SteadyViews

HAND = np.random.default_rng(0).uniform(0, 50, (21, 2))


class Reader:
    """Several crops put every joint ``shift`` pixels further along the crop, and see no right hand."""

    size = 224

    def __init__(self):
        self.shift, self.calls, self.agreement = 8.0, 0, 1.0

    def views(self, pictures, readings, number, scale=2.0):
        self.calls += 1
        back = invert_affines(crop_affines(readings.squares, self.size))
        moved = readings.keypoints + self.shift * back[:, None, :, 0]
        return HandReadings(
            readings.owners, readings.squares, moved, readings.joints, *[np.zeros(len(moved))] * 2
        ), np.full((len(moved), 21), self.agreement)


def seen(x, angle=0.0, size=100.0):
    square = np.array([[x, 40.0, size, angle]])
    return HandReadings(
        np.zeros(1, int), square, HAND[None] + x, np.zeros((1, 21, 3)), np.ones(1), np.ones(1)
    )


def none():
    return seen(0.0)[np.zeros(0, int)]


def test_a_change_follows_the_crop_and_is_measured_seldom():
    reader = Reader()
    steady = SteadyViews(reader, 6, every=4)
    for frame in range(4):
        one = seen(10.0 * frame, angle=0.3 * frame, size=100.0 + 20 * frame)
        found, agreement = steady([], one, [7])
        moved = found.keypoints - one.keypoints
        # In the crop's own frame it is the same in every frame.
        length = reader.shift * (100 + 20 * frame) / reader.size
        np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), length, rtol=1e-6)
        turn = np.arctan2(moved[..., 1], moved[..., 0])
        np.testing.assert_allclose(turn, 0.3 * frame, atol=1e-6)
        assert (agreement == 1).all()
        # Whether there is a hand, and which, is the upright crop's to say.
        assert found.presence == 1
        assert found.right == 1
    assert reader.calls == 1
    reader.shift = 16.0
    found, _ = steady([], seen(0.0), [7])
    # No step: half of the old and half of the new.
    np.testing.assert_allclose(found.keypoints[..., 0] - HAND[:, 0], 12 * 100 / 224, rtol=1e-6)
    assert reader.calls == 2


def test_a_hand_that_was_away_is_measured_anew():
    reader = Reader()
    steady = SteadyViews(reader, 6)
    steady([], seen(0.0), [7])
    steady([], none(), [])
    reader.shift = 16.0
    found, _ = steady([], seen(0.0), [7])
    np.testing.assert_allclose(found.keypoints[..., 0] - HAND[:, 0], 16 * 100 / 224, rtol=1e-6)


@pytest.mark.parametrize(('agreement', 'calls'), [(0.95, 2), (0.75, 4), (0.4, 16)])
def test_what_crops_disagree_on_is_measured_more_often(agreement, calls):
    reader = Reader()
    reader.agreement = agreement
    steady = SteadyViews(reader, 6, every=8)
    for _ in range(16):
        steady([], seen(0.0), [7])
    assert reader.calls == calls
