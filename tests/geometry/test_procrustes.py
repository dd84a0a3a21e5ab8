"""Alignment against scipy, against the golden numbers of HO3D's evaluator, and its gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

from mmhand.geometry import fit_similarity, fscore, similarity_align
from mmhand.utils.errors import HandDataError

seeds = st.integers(0, 2**32 - 1)


def hashed(shape, stream):
    """Deterministic noise in [-1, 1] that the golden numbers were made with."""
    mask = np.uint64(0xFFFFFFFF)
    k = np.arange(int(np.prod(shape)), dtype=np.uint64)
    h = (k * np.uint64(2654435761) + np.uint64(stream) * np.uint64(40503) + np.uint64(12345)) & mask
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822519)) & mask
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(3266489917)) & mask
    h ^= h >> np.uint64(16)
    return (2 * (h.astype(np.float64) / 2.0**32) - 1).reshape(shape)


def golden_hands(kind):
    """Ground truth and prediction of the golden numbers: joints (4, 21, 3) or vertices."""
    count, base, noise = {'joints': (21, 8001, 8003), 'vertices': (778, 8002, 8004)}[kind]
    gt = 0.08 * hashed((4, count, 3), base) + np.array([0, 0, -0.6])
    return gt, 1.05 * gt + 0.006 * hashed((4, count, 3), noise) + 0.01


def official(gt, pred):
    """The evaluators' alignment (methods/spmhand.md#evaluation): scipy's Procrustes with a scale."""
    gt_mean, pred_mean = gt.mean(0), pred.mean(0)
    a, b = gt - gt_mean, pred - pred_mean
    gt_norm, pred_norm = np.linalg.norm(a) + 1e-8, np.linalg.norm(b) + 1e-8
    rotation, scale = orthogonal_procrustes(a / gt_norm, b / pred_norm)
    return (b / pred_norm) @ rotation.T * scale * gt_norm + gt_mean


def mean_error(a, b):
    return np.linalg.norm(a - b, axis=-1).mean()


@given(seeds, st.sampled_from([4, 21, 778]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_equals_the_official_alignment_to_1e_9(seed, count, mirror):
    rng = np.random.default_rng(seed)
    gt = 0.1 * rng.standard_normal((5, count, 3))
    pred = rng.standard_normal((5, count, 3)) * rng.uniform(0.01, 0.5, (5, 1, 1)) + gt
    if mirror:
        pred = pred * [-1, 1, 1]
    aligned = similarity_align(pred, gt, allow_reflection=True)
    expected = np.stack([official(g, p) for g, p in zip(gt, pred, strict=True)])
    np.testing.assert_allclose(aligned, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(('kind', 'centimetres'), [('joints', 0.514620), ('vertices', 0.546905)])
def test_golden_procrustes_errors_of_ho3d(kind, centimetres):
    gt, pred = golden_hands(kind)
    assert 100 * mean_error(similarity_align(pred, gt, True), gt) == pytest.approx(
        centimetres, abs=5e-7
    )


def test_golden_fscores_of_ho3d():
    gt, pred = golden_hands('vertices')
    raw = fscore(pred, gt, (0.005, 0.015)).mean(0)
    np.testing.assert_allclose(raw, [0.06407726, 0.76790122], atol=5e-9)
    aligned = fscore(similarity_align(pred, gt, True), gt, (0.005, 0.015)).mean(0)
    np.testing.assert_allclose(aligned, [0.41724664, 1.0], atol=5e-9)


def test_golden_error_without_reflection():
    """DexYCB's PA (methods/spmhand.md#evaluation), and a mirrored cloud under either rule."""
    gt, pred = golden_hands('joints')
    assert 1000 * mean_error(similarity_align(pred, gt), gt) == pytest.approx(5.146203, abs=5e-6)
    mirrored = gt[:1] * [-1, 1, 1]
    assert mean_error(similarity_align(mirrored, gt[:1], True), gt[:1]) < 1e-8
    assert 1000 * mean_error(similarity_align(mirrored, gt[:1]), gt[:1]) == pytest.approx(
        57.48, abs=5e-3
    )


@given(seeds, st.booleans())
@settings(max_examples=30, deadline=None)
def test_exact_similarities_are_undone(seed, scaled):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((3, 10, 3))
    q, _ = np.linalg.qr(rng.standard_normal((3, 3, 3)))
    q = q * np.sign(np.linalg.det(q))[:, None, None]
    factor = rng.uniform(0.2, 5, (3, 1, 1)) if scaled else 1.0
    target = factor * points @ q.transpose(0, 2, 1) + rng.standard_normal((3, 1, 3))
    aligned = similarity_align(points, target, scale=scaled)
    np.testing.assert_allclose(aligned, target, atol=1e-6)
    fitted = fit_similarity(torch.from_numpy(points), torch.from_numpy(target), scale=scaled)
    np.testing.assert_allclose(fitted.rotation.numpy(), q, atol=1e-6)


def test_no_other_rotation_is_better():
    """The result is a minimum: turning or scaling it a little never helps."""
    rng = np.random.default_rng(0)
    gt, pred = rng.standard_normal((2, 1, 12, 3))
    aligned = similarity_align(pred, gt)[0]
    best = ((aligned - gt[0]) ** 2).sum()
    center = gt[0].mean(0)
    for axis in range(3):
        for angle in (-1e-3, 1e-3):
            turn = np.eye(3)
            i, j = (axis + 1) % 3, (axis + 2) % 3
            turn[i, i] = turn[j, j] = np.cos(angle)
            turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
            assert (((aligned - center) @ turn.T + center - gt[0]) ** 2).sum() > best
    for factor in (0.999, 1.001):
        assert ((factor * (aligned - center) + center - gt[0]) ** 2).sum() > best


def test_weights_are_repetitions_and_zero_weights_are_absence():
    rng = np.random.default_rng(1)
    gt, pred = rng.standard_normal((2, 2, 6, 3))
    weights = np.array([[1, 2, 1, 3, 0, 1], [1, 1, 1, 1, 1, 0.0]])
    aligned = similarity_align(pred, gt, weights=weights)
    repeated = np.repeat(np.arange(6), weights[0].astype(int))
    expected = similarity_align(pred[:1, repeated], gt[:1, repeated])
    np.testing.assert_allclose(aligned[:1, repeated], expected, atol=1e-7)
    expected = similarity_align(pred[1:, :5], gt[1:, :5])
    np.testing.assert_allclose(aligned[1:, :5], expected, atol=1e-7)
    equal = similarity_align(pred, gt, weights=np.full((2, 6), 7.0))
    np.testing.assert_allclose(equal, similarity_align(pred, gt), atol=1e-12)


@pytest.mark.parametrize('weighted', [False, True])
def test_chunks_change_nothing(weighted):
    rng = np.random.default_rng(2)
    gt, pred = torch.from_numpy(rng.standard_normal((2, 600, 5, 3)))
    weights = torch.from_numpy(rng.uniform(0.1, 1, (600, 5))) if weighted else None
    chunked = similarity_align(pred, gt, weights=weights)
    whole = fit_similarity(pred, gt, weights=weights)(pred)
    torch.testing.assert_close(chunked, whole, atol=1e-12, rtol=0)
    row = similarity_align(pred[599], gt[599], weights=None if weights is None else weights[599])
    torch.testing.assert_close(row, whole[599], atol=1e-12, rtol=0)


def test_tensors_keep_their_dtype_and_arrays_become_double():
    gt, pred = np.random.default_rng(3).standard_normal((2, 4, 21, 3)).astype(np.float32)
    assert similarity_align(pred, gt).dtype == np.float64
    single = similarity_align(torch.from_numpy(pred), torch.from_numpy(gt))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), similarity_align(pred, gt), atol=1e-5)


@pytest.mark.parametrize('allow_reflection', [False, True])
@pytest.mark.parametrize('scale', [False, True])
@pytest.mark.parametrize('weighted', [False, True])
def test_gradients(allow_reflection, scale, weighted):
    rng = np.random.default_rng(4)
    gt, pred = (torch.from_numpy(x).requires_grad_() for x in rng.standard_normal((2, 3, 5, 3)))
    weights = torch.from_numpy(rng.uniform(0.5, 1, (3, 5))) if weighted else None
    assert torch.autograd.gradcheck(
        lambda p, g: similarity_align(p, g, allow_reflection, scale, weights), (pred, gt)
    )


def test_gradient_of_a_symmetric_set_is_exact():
    """Equal singular values: the derivative of an SVD would be infinite here."""
    corners = torch.tensor(
        [[x, y, z] for x in (-1.0, 1) for y in (-1.0, 1) for z in (-1.0, 1)], dtype=torch.float64
    )
    pred, gt = corners[None].clone().requires_grad_(), corners[None].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p, g: similarity_align(p, g, scale=False), (pred, gt))


@pytest.mark.parametrize('shape', ['point', 'line', 'mirrored'])
def test_degenerate_sets_have_finite_results_and_gradients(shape):
    line = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None] * torch.tensor([1.0, 2.0, 3.0])
    points = {
        'point': torch.zeros(1, 5, 3, dtype=torch.float64),
        'line': line[None],
        'mirrored': torch.eye(3, dtype=torch.float64)[None],
    }[shape].requires_grad_()
    target = (points.detach() * torch.tensor([-1.0, 1, 1])).requires_grad_()
    aligned = similarity_align(points, target)
    assert torch.isfinite(aligned).all()
    aligned.square().sum().backward()
    assert torch.isfinite(points.grad).all()
    assert torch.isfinite(target.grad).all()


@pytest.mark.parametrize(('a', 'b'), [((2, 5, 3), (2, 4, 3)), ((2, 5, 2), (2, 5, 2))])
def test_sets_of_different_shape_are_refused(a, b):
    with pytest.raises(HandDataError, match='cannot align'):
        similarity_align(np.zeros(a), np.zeros(b))
