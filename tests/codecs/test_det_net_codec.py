"""DetNet's targets (methods/hdr.md#training-the-pose-network), and mmpose's own heat maps."""

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap

from mmhand.codecs import DetNetCodec
from mmhand.structures import CANONICAL


def pixels(*cells):
    """Input pixels (1, 21, 2) whose heat-map cells are given; the rest in the middle."""
    points = torch.full((1, 21, 2), 130.0)
    points[0, : len(cells)] = torch.tensor(cells).reshape(-1, 2) * 4.0
    return points


@pytest.fixture
def joints():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(2, 21, 3)) * 0.1)


def encode(codec, points, joints, valid=None):
    valid = torch.ones(len(points), 21) if valid is None else valid
    return codec.encode(points, joints, valid)


def test_heatmaps_of_the_specification(joints):
    cells = [(30, 20), (5, 3), (63, 63), (0, 0), (-9, 30), (72, 30), (-10, 30)]
    target = encode(DetNetCodec(), pixels(*cells).double(), joints[:1])
    maps = target.heatmaps[0]
    assert maps[0].sum().item() == pytest.approx(39.14639, abs=1e-4)
    assert int((maps[0] > 0).sum()) == 256
    peaks = [divmod(int(one.argmax()), 64) for one in maps[:4]]
    assert peaks == [(20, 30), (4, 6), (63, 63), (1, 1)]
    assert maps[2].sum().item() == pytest.approx(13.18665, abs=1e-5)
    assert target.heatmap_valid[0, :7].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert maps[4].abs().max() == 0


@pytest.mark.parametrize('seed', range(3))
def test_heatmaps_are_those_of_mmpose(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-60, 320, (1, 21, 2)).astype(np.float32)
    codec = DetNetCodec()
    target = encode(codec, torch.from_numpy(points), torch.zeros(1, 21, 3))
    cells = np.trunc(points / 4) * 4 - 2  # half a cell less: mmpose rounds
    theirs = MSRAHeatmap((256, 256), (64, 64), 2.5).encode(cells, np.ones((1, 21), np.float32))
    assert target.heatmaps[0].numpy() == pytest.approx(theirs['heatmaps'], abs=2e-7)
    assert np.array_equal(target.heatmap_valid.numpy(), theirs['keypoint_weights'])


def test_exact_border_puts_peaks_where_the_joints_are():
    cells = [(5, 3), (0, 0), (63, 10), (-1, 30), (64, 30)]
    target = encode(DetNetCodec(exact_border=True), pixels(*cells), torch.zeros(1, 21, 3))
    peaks = [divmod(int(one.argmax()), 64) for one in target.heatmaps[0, :3]]
    assert peaks == [(3, 5), (0, 0), (10, 63)]
    assert target.heatmap_valid[0, :5].tolist() == [1, 1, 1, 0, 0]


def test_locations_and_bones(joints):
    joints[:, 9] = joints[:, 0] + torch.tensor([0.0, 0.06, 0.08])  # a bone of 100 mm
    target = encode(DetNetCodec(), pixels().expand(2, -1, -1), joints)
    assert (1 - target.location[:, 9].norm(dim=-1)).tolist() == pytest.approx([1e-8] * 2, rel=1e-3)
    assert target.location[:, 0].abs().max() == 0
    assert target.delta[:, 0].abs().max() == 0
    for child, parent in enumerate(CANONICAL.parents):
        if parent >= 0:
            bone = target.location[:, child] - target.location[:, parent]
            expected = bone / bone.norm(dim=-1, keepdim=True)
            torch.testing.assert_close(target.delta[:, child], expected, rtol=1e-5, atol=1e-5)


def test_validity(joints):
    valid = torch.ones(2, 21)
    valid[0, 6] = 0  # takes its child with it in the bone vectors
    valid[1, 9] = 0  # the reference joint: no scale
    released = encode(DetNetCodec(check_reference=False), pixels().expand(2, -1, -1), joints, valid)
    assert released.location_valid[0].sum() == 20
    assert released.delta_valid[0, [6, 7]].tolist() == [0, 0]
    assert released.delta_valid[0].sum() == 19
    assert released.location_valid[1].sum() == 20
    joints[0, 6] = joints[1, 9] = torch.nan
    gated = encode(DetNetCodec(), pixels().expand(2, -1, -1), joints, valid)
    assert all(values.isfinite().all() for values in gated)
    assert gated.location_valid[1].sum() == gated.delta_valid[1].sum() == 0
    assert gated.heatmap_valid[1].sum() == 20


def test_decoding_reads_rows_and_columns():
    codec = DetNetCodec()
    heatmaps = torch.zeros(1, 21, 64, 64)
    heatmaps[0, :, 7, 40] = 1
    maps = torch.arange(64 * 64.0).view(64, 64).expand(1, 21, 3, 64, 64)
    found = codec.decode(heatmaps, -maps, maps)
    assert found.uv[0, 3].tolist() == [7, 40]
    assert codec.to_pixels(found.uv)[0, 3].tolist() == [160, 28]
    assert (found.keypoints_3d == 7 * 64 + 40).all()
    assert (found.delta == -(7 * 64 + 40)).all()
    assert (found.scores == 1).all()
