"""The batched root fit against an optimiser on the same objective, and against the truth."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmhand.cameras import project
from mmhand.fitting import fit_root


@pytest.fixture
def hands():
    generator = torch.Generator().manual_seed(0)
    points = 0.05 * torch.randn(4, 21, 3, generator=generator, dtype=torch.float64)
    points = points - points[:, :1]
    root = torch.tensor([[0.05, -0.02, 0.6], [0, 0, 0.4], [-0.1, 0.1, 0.9], [0.2, 0, 0.5]])
    K = torch.tensor([[600.0, 0, 320], [0, 605, 240], [0, 0, 1]], dtype=torch.float64)
    return points, root.double(), K.expand(4, 3, 3)


def test_exact_pixels_give_the_root(hands):
    points, root, K = hands
    uv = project(points + root[:, None], K)
    torch.testing.assert_close(fit_root(points, uv, K), root, atol=1e-6, rtol=0)


def test_outliers_hardly_matter(hands):
    points, root, K = hands
    uv = project(points + root[:, None], K)
    uv[:, 3] += 80
    assert (fit_root(points, uv, K) - root).norm(dim=-1).max() < 5e-3


def objective(t, points, uv, K, depth):
    shifted = points + t
    pixels = shifted[:, :2] / shifted[:, 2:] * K.diagonal()[:2] + K[:2, 2]
    cost = np.abs(pixels - uv).sum()
    return cost if depth is None else cost + 1000 * (t[2] - depth) ** 2


@pytest.mark.parametrize('depth', [None, 0.5])
def test_no_optimiser_finds_less(hands, depth):
    points, root, K = hands
    uv = project(points + root[:, None], K)
    uv = uv + 3 * torch.randn(uv.shape, generator=torch.Generator().manual_seed(1)).double()
    found = fit_root(points, uv, K, depth)
    for row in range(4):
        case = points[row].numpy(), uv[row].numpy(), K[row].numpy(), depth
        best = minimize(
            objective,
            root[row].numpy(),
            case,
            method='Nelder-Mead',
            options=dict(xatol=1e-9, fatol=1e-9, maxiter=5000),
        )
        assert objective(found[row].numpy(), *case) <= best.fun * (1 + 2e-3)
