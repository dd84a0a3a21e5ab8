"""Tone, saturation, noise and compression."""

import cv2
import numpy as np
import pytest

from mmhand.datasets.transforms import CameraJitterParams, HandCameraJitter
from mmhand.registry import TRANSFORMS


@pytest.fixture
def image():
    smooth = np.random.RandomState(0).randint(30, 220, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(smooth, (64, 48), interpolation=cv2.INTER_CUBIC)


def change(image, **params):
    before = image.copy()
    result = HandCameraJitter().apply({'img': image}, CameraJitterParams(**params))['img']
    np.testing.assert_array_equal(image, before)
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    return result


def test_defaults_change_nothing(image):
    np.testing.assert_array_equal(change(image), image)


def test_each_change_is_what_it_is_called(image):
    grey = change(image, saturation=0.0)
    assert np.ptp(grey.astype(int), axis=-1).max() == 0
    assert change(image, gamma=1.6).mean() < image.mean() < change(image, gamma=0.7).mean()
    flat = change(image, contrast=0.5)
    np.testing.assert_allclose(flat.std() / image.std(), 0.5, atol=0.03)
    np.testing.assert_allclose(flat.mean(), image.mean(), atol=2)
    noisy = change(image, noise=10.0, noise_seed=3).astype(float) - image
    np.testing.assert_allclose(noisy.std(), 10, rtol=0.1)
    np.testing.assert_array_equal(
        change(image, noise=10.0, noise_seed=3), change(image, noise=10.0, noise_seed=3)
    )
    assert 0 < np.abs(change(image, quality=20).astype(int) - image).mean() < 15


def test_draws_stay_in_their_ranges_and_repeat():
    jitter = TRANSFORMS.build(dict(type='HandCameraJitter', noise=5.0, grey_prob=0.5))
    draws = [jitter.sample(np.random.RandomState(seed)) for seed in range(200)]
    assert draws[7] == jitter.sample(np.random.RandomState(7))
    assert all(0.6 <= draw.gamma <= 1.7 and 0 <= draw.noise <= 5 for draw in draws)
    assert 0.3 < np.mean([draw.saturation == 0 for draw in draws]) < 0.7
    assert 0.1 < np.mean([draw.quality < 100 for draw in draws]) < 0.35
    assert 0.15 < np.mean([draw.noise > 0 for draw in draws]) < 0.45
