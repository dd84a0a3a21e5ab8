"""InterNet's targets and their decoding."""

import numpy as np
import pytest
import torch

from mmhand.codecs import InterNetVolume
from mmhand.structures import get_joint_set, joint_indices
from mmhand.utils.errors import HandConfigError

WRIST = get_joint_set('canonical').index('wrist')


def hands(batch=2, seed=0, size=256.0):
    """Both hands well inside the crop and the depth range."""
    rng = torch.Generator().manual_seed(seed)
    uv = size * (0.1 + 0.8 * torch.rand(batch, 2, 21, 2, generator=rng))
    depth = 0.9 + 0.15 * torch.rand(batch, 2, 21, generator=rng)
    return uv, depth, torch.ones(batch, 2, 21), torch.ones(batch)


def test_golden_target_voxel():
    """A crop point (100, 60), 50 mm behind the wrist."""
    codec = InterNetVolume()
    uv, depth, valid, both = hands(1)
    uv[0, 0, 4] = torch.tensor([100.0, 60.0])
    depth[0, 0, 4] = depth[0, 0, WRIST] + 0.05
    target = codec.encode(uv, depth, valid, both)
    place = get_joint_set('interhand21').index('thumb4')
    torch.testing.assert_close(target['voxels'][0, place], torch.tensor([25.0, 15.0, 40.0]))
    volume = codec.render(target['voxels'])[0, place]
    assert volume.shape == (64, 64, 64)
    assert volume[40, 15, 25] == pytest.approx(255.0, abs=1e-3)
    for neighbour in (volume[41, 15, 25], volume[40, 14, 25], volume[40, 15, 26]):
        assert neighbour == pytest.approx(235.39, abs=5e-3)


def test_target_has_full_support():
    codec = InterNetVolume(heatmap_size=(16, 20, 24), sigma=1.5)
    voxels = torch.tensor([[[3.3, 7.9, 20.1]]])
    z, y, x = np.mgrid[:24, :20, :16]
    square = (x - 3.3) ** 2 + (y - 7.9) ** 2 + (z - 20.1) ** 2
    np.testing.assert_allclose(
        codec.render(voxels)[0, 0].numpy(), 255 * np.exp(-square / (2 * 1.5**2)), atol=1e-4
    )


@pytest.mark.parametrize('joint_set', ['interhand21', 'mano21'])
def test_round_trip_through_peaks(joint_set):
    codec = InterNetVolume(joint_set=joint_set)
    uv, depth, valid, both = hands(2, seed=3)
    target = codec.encode(uv, depth, valid, both)
    assert target['weights'].min() == 1
    voxels, scores = codec.peaks(codec.render(target['voxels']))
    torch.testing.assert_close(voxels, target['voxels'].round())
    assert scores.min() > 200
    decoded = codec.decode(target['voxels'], target['root_bin'])
    torch.testing.assert_close(decoded['keypoints_2d'], uv, atol=1e-4, rtol=0)
    relative = depth - depth[..., WRIST, None]
    torch.testing.assert_close(decoded['depth'], relative, atol=1e-6, rtol=0)
    between = depth[:, 1, WRIST] - depth[:, 0, WRIST]
    torch.testing.assert_close(decoded['rel_root_depth'], between, atol=1e-6, rtol=0)


def test_volumes_follow_the_joint_set():
    uv, depth, valid, both = hands(1, seed=5)
    targets = {
        name: InterNetVolume(joint_set=name).encode(uv, depth, valid, both)['voxels']
        for name in ('interhand21', 'mano21')
    }
    gather = list(joint_indices('interhand42', 'mano42'))
    torch.testing.assert_close(targets['interhand21'][:, gather], targets['mano21'])
    codec = InterNetVolume(joint_set='mano21')
    named = codec.to_canonical(torch.arange(42)[None])
    assert named[0, 1, 4] == 21 + get_joint_set('mano21').index('thumb4')


def test_gaussian_refinement_finds_the_exact_place():
    codec = InterNetVolume(heatmap_size=(32, 32, 32), sigma=1.25, refine='gaussian')
    uv, depth, valid, both = hands(2, seed=1)
    target = codec.encode(uv, depth, valid, both)
    voxels, _ = codec.peaks(codec.render(target['voxels']))
    torch.testing.assert_close(voxels, target['voxels'], atol=2e-3, rtol=0)


def test_refinement_at_the_border_and_below_zero():
    codec = InterNetVolume(heatmap_size=(8, 8, 8), refine='gaussian')
    volume = torch.full((1, 2, 8, 8, 8), -3.0)
    volume[0, 0, 0, 7, 0] = 5.0
    voxels, _ = codec.peaks(volume)
    torch.testing.assert_close(voxels[0, 0], torch.tensor([0.0, 7.0, 0.0]))
    assert torch.isfinite(voxels).all()


def test_weights():
    uv, depth, valid, both = hands(4)
    uv[0, 0, 3] = torch.tensor([256.0, 10.0])  # right of the crop
    uv[0, 0, 5] = torch.tensor([-0.1, 10.0])
    depth[0, 1, 7] = depth[0, 1, WRIST] + 0.2  # bin 64: out
    depth[0, 1, 8] = depth[0, 1, WRIST] - 0.2  # bin 0: in
    valid[1, 1, WRIST] = 0  # no wrist: no hand
    both[2] = 0
    uv[3, 1] = float('nan')
    depth[3, 1] = float('nan')
    valid[3, 1] = 0
    codec = InterNetVolume()
    target = codec.encode(uv, depth, valid, both)
    weights = codec.to_canonical(target['weights'])
    expected = torch.ones(4, 2, 21)
    expected[0, 0, 3] = expected[0, 0, 5] = expected[0, 1, 7] = 0
    expected[1, 1] = expected[3, 1] = 0
    assert torch.equal(weights, expected)
    assert target['root_weight'][:, 0].tolist() == [1, 0, 0, 0]
    assert all(torch.isfinite(value).all() for value in target.values())


def test_relative_depth_beyond_its_range_is_not_trained():
    uv, depth, valid, both = hands(2)
    depth[0, 1] += 0.4
    target = InterNetVolume().encode(uv, depth, valid, both)
    assert target['root_weight'][:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    'options', [{'refine': 'spline'}, {'joint_set': 'mano16'}, {'joint_set': 'nowhere'}]
)
def test_bad_options(options):
    with pytest.raises(HandConfigError):
        InterNetVolume(**options)
