"""Placing points of known size in front of a camera."""

import pytest
import torch

from mmhand.cameras import project
from mmhand.fitting import fit_translation, translation_by_size


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    options = dict(generator=generator, dtype=torch.float64)
    points = 0.05 * torch.randn(3, 2, 21, 3, **options)
    shift = torch.tensor([0.02, -0.03, 0.6]) + 0.1 * torch.rand(3, 2, 3, **options)
    K = torch.tensor([[500.0, 0, 256], [0, 520.0, 167], [0, 0, 1]], dtype=torch.float64)
    uv = project(points + shift[..., None, :], K)
    return points, uv, K, shift


def test_exact_pixels_give_the_exact_place(scene):
    points, uv, K, shift = scene
    found = fit_translation(points, uv, K.expand(3, 2, 3, 3))
    torch.testing.assert_close(found, shift)


def test_weights_leave_wrong_points_out(scene):
    points, uv, K, shift = scene
    weights = torch.rand(3, 2, 21, dtype=torch.float64)
    uv, weights = uv.clone(), weights.clone()
    uv[..., :5, :] += 40
    weights[..., :5] = 0
    found = fit_translation(points, uv, K.expand(3, 2, 3, 3), weights)
    torch.testing.assert_close(found, shift)


def test_what_cannot_be_placed_is_not_a_number(scene):
    points, uv, K, _ = scene
    nothing = torch.zeros(3, 2, 21, dtype=torch.float64)
    found = fit_translation(points, uv, K.expand(3, 2, 3, 3), nothing)
    assert not found.isfinite().any()


def test_what_makes_no_sense_is_placed_by_its_size(scene):
    points, uv, K, _ = scene
    points = points - points[..., :1, :]
    shift = translation_by_size(points, 500 * torch.rand_like(uv), K.expand(3, 2, 3, 3), 120.0)
    placed = points + shift[..., None, :]
    assert (placed[..., 2] > 0).all()
    pixels = project(placed, K)
    extent = (pixels.amax(-2) - pixels.amin(-2)).amax(-1)
    assert ((extent > 40) & (extent < 240)).all()
