"""Made-up hands and pictures whose numbers were measured on the release."""

import numpy as np
import pytest
import torch

from mmhand.hand_models import MANO, MPEHand


@pytest.fixture(scope='session')
def random_mano():
    """A MANO of noise; nothing in it is MANO's."""
    random = np.random.RandomState(0)
    data = {
        'v_template': random.randn(778, 3) * 0.03,
        'shapedirs': random.randn(778, 3, 10) * 0.003,
        'posedirs': random.randn(778, 3, 135) * 0.001,
    }
    weights = random.rand(778, 16) ** 8
    data['weights'] = weights / weights.sum(1, keepdims=True)
    regressor = random.rand(16, 778)
    regressor[regressor < 0.97] = 0
    data['J_regressor'] = regressor / regressor.sum(1, keepdims=True)
    data['hands_components'] = random.randn(45, 45) * 0.2
    data['hands_mean'] = random.randn(45) * 0.2
    data['f'] = np.stack([random.permutation(778)[:3] for _ in range(1538)])
    return MPEHand(MANO(data=data, tip_preset='dsf'))


@pytest.fixture(scope='session')
def mpe():
    """(2, 62) hand parameters."""
    index = np.arange(62)
    rows = np.stack([0.3 * np.sin(1.1 * index + 0.5 * b) for b in range(2)])
    rows[:, 59:62] *= 0.5
    rows[:, 58] = (1.0, 1.1)
    return torch.tensor(rows, dtype=torch.float32)


@pytest.fixture(scope='session')
def disc():
    """(2, 1, 128, 128) float64: a wavy disc before the background."""
    place = torch.arange(128.0, dtype=torch.float64)
    y, x = torch.meshgrid(place, place, indexing='ij')
    inside = (x - 64) ** 2 + (y - 64) ** 2 <= 1600
    return torch.stack(
        [
            torch.where(inside, 0.3 * (0.1 * x + 0.2 * b).sin() + 0.2 * (0.07 * y).cos(), 1.0)
            for b in range(2)
        ]
    )[:, None]


@pytest.fixture(scope='session')
def spiral():
    """(2, 21, 3) float64 crop-normalised joints, in the release's order."""
    j = torch.arange(21.0, dtype=torch.float64)
    return torch.stack((0.5 * j.cos(), 0.5 * j.sin(), j / 42), -1).expand(2, -1, -1)
