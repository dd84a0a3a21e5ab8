"""How far hands turn, and what their fingers do."""

import numpy as np
import pytest

from mmhand.synthesis.camera_rig import RIG_CENTER, sample_rig
from mmhand.synthesis.config import SynthesisConfig
from mmhand.synthesis.hand_sampling import MEETINGS, sample_betas, sample_hands
from mmhand.utils.errors import HandConfigError


def spread(directions: np.ndarray) -> float:
    """0 if all unit vectors (N, 3) are the same, 1 if they go every way alike."""
    return 1 - np.linalg.norm(directions.mean(0))


@pytest.mark.parametrize('framing', ['rig', 'crop'])
def test_wrists_turn_less_when_told(framing):
    spreads = {}
    for turn in (0.0, 0.3, 1.0):
        config = SynthesisConfig(hands='single', sides=('right',), framing=framing, turn=turn)
        along = [sample_hands(config, 0, frame)[0][0].along for frame in range(40)]
        spreads[turn] = spread(np.stack(along))
    assert spreads[0.0] < 1e-9 < spreads[0.3] < 0.15 < spreads[1.0]


def test_hands_still_meet_in_all_ways_when_they_hardly_turn():
    config = SynthesisConfig(hands='interacting', turn=0.1)
    meetings = {}
    for frame in range(40):
        (right, _), meeting = sample_hands(config, 0, frame)
        meetings.setdefault(meeting, []).append(right.along)
    assert set(meetings) == set(MEETINGS)
    assert all(spread(np.stack(along)) < 0.1 for along in meetings.values())


def test_cameras_keep_to_the_front_when_they_hardly_turn():
    angles = {}
    for turn in (0.1, 1.0):
        rig = sample_rig(SynthesisConfig(turn=turn), 0, 0)
        away = np.stack([camera.center for camera in rig]) - RIG_CENTER
        angles[turn] = np.rad2deg(np.arctan2(np.abs(away[:, 0]), -away[:, 2])).max()
    assert angles[0.1] < 13.1 < angles[1.0]


def curl(hand) -> float:
    """Length from the middle finger's knuckle to its tip over the finger's straight length."""
    finger = hand.joints[9:13]
    straight = np.linalg.norm(np.diff(finger, axis=0), axis=-1).sum()
    return np.linalg.norm(finger[-1] - finger[0]) / straight


@pytest.mark.parametrize('hands', ['single', 'interacting'])
def test_fingers_keep_to_the_gestures_asked_for(hands):
    flat = SynthesisConfig(hands=hands, gestures=('flat',))
    assert all(curl(hand) > 0.8 for f in range(8) for hand in sample_hands(flat, 0, f)[0])
    fist = SynthesisConfig(hands='single', gestures=('fist',))
    assert all(curl(sample_hands(fist, 0, f)[0][0]) < 0.7 for f in range(8))


def test_shapes_spread_as_told():
    usual, wide, none = (
        sample_betas(SynthesisConfig(shape_spread=spread), 0, 3) for spread in (1.0, 1.5, 0.0)
    )
    np.testing.assert_allclose(wide, 1.5 * usual, rtol=1e-6)
    assert not none.any()
    with pytest.raises(HandConfigError, match='shape_spread'):
        SynthesisConfig(shape_spread=3.0)


def test_single_hands_held_as_two_that_meet():
    settings = dict(sides=('right',), turn=0.1)
    single = dict(hands='single', **settings)
    frames = range(60)

    def along(config: SynthesisConfig) -> np.ndarray:
        return np.stack([sample_hands(config, 0, frame)[0][0].along for frame in frames])

    own = along(SynthesisConfig(**single))
    meeting = along(SynthesisConfig(single_poses='meeting', **single))
    two = along(SynthesisConfig(hands='interacting', **settings))
    # Every attitude of a hand that meets another has a single hand's near it.
    assert (two @ meeting.T).max(1).min() > np.cos(np.deg2rad(15))
    assert (two @ own.T).max(1).min() < np.cos(np.deg2rad(45))


def test_single_hands_held_as_two_that_meet_make_their_gestures():
    config = SynthesisConfig(
        hands='single', sides=('left',), gestures=('flat',), single_poses='meeting'
    )
    assert all(curl(sample_hands(config, 0, f)[0][0]) > 0.8 for f in range(8))
