"""Contact and interpenetration."""

import numpy as np
import trimesh

from mmhand.geometry import mesh_contact
from mmhand.synthesis.config import SynthesisConfig
from mmhand.synthesis.contact import MeshPair
from mmhand.synthesis.hand_sampling import MEETINGS, sample_hands
from mmhand.synthesis.scene_hands import scene_hands


def _balls():
    large, small = (trimesh.creation.icosphere(4, radius) for radius in (0.06, 0.04))
    return MeshPair(*(np.array(ball.vertices) for ball in (large, small)), large.faces, small.faces)


def test_report_measures_the_overlap_of_two_balls():
    pair = _balls()
    apart = pair.report(np.array([0.12, 0, 0]))
    assert apart.max_penetration == 0
    assert abs(apart.gap - 0.02) < 1e-3
    assert apart.contact_vertices == 0
    deep = pair.report(np.array([0.09, 0, 0]))
    assert abs(deep.max_penetration - 0.01) < 1e-3
    assert deep.contact_vertices > 0


def test_approach_stops_at_contact():
    pair = _balls()
    offset = pair.approach(np.zeros(3), np.array([0.0, 1.0, 0.0]), allowed=0.002)
    assert abs(offset[1] - 0.098) < 1e-3
    assert np.allclose(offset[[0, 2]], 0)
    free = np.array([0.3, 0, 0])
    assert np.array_equal(pair.approach(free, np.array([1.0, 0, 0]), 0.002), free)


def test_push_apart_leaves_along_the_shortest_way():
    pair = _balls()
    offset, depth = pair.push_apart(np.array([0.07, 0.02, 0]), allowed=0.002)
    assert depth <= 0.002
    assert 0.095 < np.linalg.norm(offset) < 0.105
    # One in the middle of the other: when the moves run out, the depth that is left is told.
    _, depth = pair.push_apart(np.zeros(3), allowed=0.002, steps=1)
    assert depth > 0.015


def test_meeting_hands_touch_and_hardly_enter_each_other():
    """Over a sample of frames: most hands touch, and by an exact inside test none is deep in."""
    config = SynthesisConfig(hands='interacting')
    faces = [model.faces.numpy() for model in scene_hands('OpenHand')]
    depths, gaps, meetings, exact = [], [], set(), []
    for frame in range(24):
        hands, meeting = sample_hands(config, 2, frame)
        right, left = (hand.vertices for hand in hands)
        report = MeshPair(right, left, *faces).report(np.zeros(3))
        depths.append(report.max_penetration)
        gaps.append(report.gap)
        meetings.add(meeting)
        if frame < 5:
            exact.append(mesh_contact((right, left), tuple(faces)).penetration_depth)
    assert max(depths) <= config.max_penetration + 1e-6
    assert max(exact) < 0.005
    assert np.mean(np.array(gaps) < 0.005) > 0.6
    assert meetings <= set(MEETINGS)
    assert len(meetings) >= 3


def test_single_hands_come_from_the_allowed_sides():
    left = SynthesisConfig(hands='single', sides=('left',))
    assert all(sample_hands(left, 0, frame)[0][0].side == 'left' for frame in range(5))
    both = SynthesisConfig(hands='single')
    sides = {sample_hands(both, 0, frame)[0][0].side for frame in range(12)}
    assert sides == {'right', 'left'}
