"""Depth sensors and what they do to exact depth."""

import dataclasses

import numpy as np
import pytest

from mmhand.synthesis import SynthesisConfig
from mmhand.synthesis.depth_scene import DepthSceneConfig, render_depth_frame
from mmhand.synthesis.depth_sensor import DepthSensor, get_sensor, sense_depth
from mmhand.utils.errors import HandConfigError

QUIET = DepthSensor(noise=0, step=0, edge_jitter=0, mixing=0, holes=0)


def sensed(sensor: DepthSensor, depth: np.ndarray) -> np.ndarray:
    return sense_depth(depth, sensor, 588.0, np.random.default_rng(0)) / 1000


def wall() -> np.ndarray:
    return np.full((240, 320), 0.7)


def test_noise_has_its_deviation_and_grows_with_the_square_of_distance():
    for distance in (0.5, 1.0, 2.0):
        noise = sensed(dataclasses.replace(QUIET, noise=0.004), np.full((240, 320), distance))
        assert (noise - distance).std() == pytest.approx(0.004 * distance**2, rel=0.05)


def test_patches_are_lost_for_the_stated_share():
    lost = sensed(dataclasses.replace(QUIET, lost=0.1), wall()) == 0
    assert lost.mean() == pytest.approx(0.1, abs=0.02)
    # In patches: what is lost has lost neighbours.
    assert lost[:, 1:][lost[:, :-1]].mean() > 0.6
    assert not (sensed(QUIET, wall()) == 0).any()


@pytest.mark.parametrize('jitter', [0.5, 2.0])
def test_outlines_are_off_by_their_deviation(jitter):
    depth = np.zeros((400, 300))
    depth[:, 100:] = 0.7
    seen = sensed(dataclasses.replace(QUIET, edge_jitter=jitter), depth) > 0
    assert (100 - (~seen).sum(1)).std() == pytest.approx(jitter, rel=0.3)


def test_a_rough_sensor_is_worse_than_the_usual_one_and_an_exact_one_is_none():
    frames = {}
    for quality in ('exact', 'usual', 'rough', 'patchy'):
        config = DepthSceneConfig('nyu', (0.6, 0.6), people=1, sensor=quality)
        frames[quality] = render_depth_frame(0, 0, config).depth[0] > 0
    exact = frames['exact']
    usual, rough = ((frames[name] ^ exact)[exact].mean() for name in ('usual', 'rough'))
    assert 0 < usual < 0.5 * rough < 0.2
    assert 0.2 < (exact & ~frames['patchy']).sum() / exact.sum() < 0.35
    assert get_sensor('nyu', 'exact') is None


def test_unknown_quality_is_refused():
    with pytest.raises(HandConfigError, match='sensor must be one of exact, usual, rough, patchy'):
        SynthesisConfig(sensor='good')
