"""Depth crops and their augmentation (numbers measured on the release), and depth files."""

import cv2
import numpy as np
import pytest

from mmhand.cameras import DEPTH_CAMERAS, project_depth
from mmhand.datasets.transforms import (
    CubeAugment,
    CubeAugmentParams,
    CubeCrop,
    LoadDepthImage,
    PackHandInputs,
    read_depth,
)
from mmhand.structures import HandCamera
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


def record(**changes):
    v, u = np.mgrid[:480, :640]
    disc = (u - 330) ** 2 + (v - 225) ** 2 <= 3600
    depth = np.where(disc, 700 + 20 * np.sin(0.05 * u) * np.cos(0.04 * v), 0)
    depth[225, 330] = 650
    results = dict(
        sample_id='a',
        depth=np.float32(depth / 1000),
        keypoints_3d=np.float32([[0.01, -0.02, 0.69], [0.04, 0.01, 0.7], [-0.03, -0.06, 0.72]]),
        joint_set='given',
        camera='nyu',
        crop_center=np.array([0.01, -0.02, 0.69]),
        crop_cube=np.full(3, 0.25),
    )
    return {**results, **changes}


def foreground(results):
    return int((results['img'] < 0.99).sum())


def test_crop_is_the_releases():
    results = CubeCrop()(record())
    assert int((results['crop_depth'] > 0).sum()) == 4059
    assert results['crop_depth'].sum(dtype=np.float64) == pytest.approx(2841218.5, abs=1)
    # The farthest pixel is deleted.
    assert foreground(results) == 4058
    assert results['img'].mean() == pytest.approx(0.77208436, abs=1e-7)
    assert results['img'].min() == pytest.approx(-0.32, abs=1e-7)
    assert results['img'][64, 64] == pytest.approx(0.16936377, abs=1e-6)
    assert results['img'].dtype == np.float32


@pytest.mark.parametrize('normalised_before', [False, True])
@pytest.mark.parametrize(
    ('params', 'seen', 'mean', 'middle', 'joint'),
    [
        (dict(mode='rotate', rotation=30), 4059, 0.77205384, 0.16936377, (0.08704, 0.32715, 0.08)),
        (
            dict(mode='shift', shift=(0.008, -0.005, 0.006)),
            4103,
            0.75727081,
            0.13723584,
            (0.176, 0.28, 0.032),
        ),
        (dict(mode='scale', scale=1.15), 3053, 0.82664406, 0.14727284, (0.2087, 0.2087, 0.06957)),
        (dict(mode='none', rotation=90), 4058, 0.77208436, 0.16936377, (0.24, 0.24, 0.08)),
    ],
)
def test_augmentation_is_the_releases(params, seen, mean, middle, joint, normalised_before):
    results = record()
    if normalised_before:
        results = CubeCrop()(results)
    results = CubeAugment().apply(results, CubeAugmentParams(**params))
    if not normalised_before:
        results = CubeCrop()(results)
    assert foreground(results) == seen
    assert results['img'].mean() == pytest.approx(mean, abs=2e-7)
    assert results['img'][64, 64] == pytest.approx(middle, abs=2e-6)
    np.testing.assert_allclose(results['keypoints_cube'][1], joint, atol=6e-6)
    uv = project_depth(results['keypoints_3d'].astype(float), 'nyu')[:, :2]
    crop = uv @ results['crop_affine'][:2, :2].T + results['crop_affine'][:2, 2]
    np.testing.assert_allclose(results['keypoints_uvd'][:, :2], crop / 64 - 1, atol=1e-5)


def test_augmentations_are_drawn_from_all_four():
    np.random.seed(0)
    drawn = [CubeAugment().draw() for _ in range(200)]
    assert {params.mode for params in drawn} == {'rotate', 'shift', 'scale', 'none'}
    assert max(abs(params.rotation) for params in drawn) > 150
    assert max(abs(x) for params in drawn for x in params.shift) <= 0.01
    assert all(0.8 <= params.scale <= 1.2 for params in drawn)
    with pytest.raises(HandConfigError, match='rot90'):
        CubeAugment().apply(record(), CubeAugmentParams('rot90'))


def test_a_crop_over_the_edge_of_the_picture():
    depth = np.linspace(0.65, 0.75, 640) * np.ones((480, 1))
    results = CubeCrop()(record(crop_center=np.array([0.2, -0.25, 0.69]), depth=depth))
    seen = results['crop_depth'] > 0
    assert 0 < seen.sum() < seen.size
    # The picture's first row lies where the matrix says.
    assert abs(np.flatnonzero(seen.any(1))[0] - results['crop_affine'][1, 2]) <= 1


def test_packed_crops():
    camera = DEPTH_CAMERAS['nyu']
    for given in ('nyu', camera, HandCamera(K=np.float32(camera.K))):
        packed = PackHandInputs()(CubeCrop()(record(camera=given)))
        assert packed['inputs'].shape == (1, 128, 128)
        sample = packed['data_samples']
        assert sample.gt_hands.keypoints_3d.shape == (1, 3, 3)
        assert sample.crop_center.shape == sample.crop_cube.shape == (3,)
        uv = sample.camera.project(sample.gt_hands.keypoints_3d[0].numpy())
        np.testing.assert_allclose(sample.gt_hands.keypoints_2d[0], uv, atol=1e-3)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(depth=record()['depth'] * 1000), 'depth reaches 720.*millimetres'),
        (dict(crop_center=np.array([10.0, -20, 690])), 'crop_center reaches 690.*millimetres'),
        (dict(crop_cube=np.full(3, 250.0)), 'crop_cube reaches 250.*millimetres'),
        (dict(keypoints_3d=np.full((3, 3), 400.0)), 'keypoints_3d reaches 400.*millimetres'),
        (dict(depth=np.zeros((480, 640))), '0 pixels of depth'),
        (dict(depth=np.zeros((480, 640)), crop_center=None), 'depth picture is empty'),
        (dict(depth=np.full((480, 640), 0.7)), 'all background'),
        (dict(crop_center=np.array([3.0, 0, 0.69])), '0 pixels of depth'),
        (dict(crop_center=np.array([0.0, 0, -0.69])), 'cannot crop'),
        (dict(camera=None), 'states no camera'),
    ],
)
def test_bad_records_name_the_sample(changes, message):
    with pytest.raises(HandDataError, match=f'sample a.*{message}'):
        CubeCrop()(record(**changes))


def test_a_hand_is_found_in_front():
    results = record(crop_center=None)
    v, u = np.mgrid[:480, :640]
    results['depth'] = np.where(results['depth'] > 0, results['depth'], 1.5).astype(np.float32)
    results['depth'][v > 470] = 0
    results = CubeCrop()(results)
    assert results['center_source'] == 'depth'
    expected = [(330 - 320) * 0.7 / 588, (225 - 240) * 0.7 / 587, 0.7]
    np.testing.assert_allclose(results['crop_center'], expected, atol=0.004)


@pytest.mark.parametrize('above', [False, True])
def test_a_hand_is_found_at_the_end_of_its_arm(above):
    # From the border an arm 7 cm wide, at its end a palm of 9 cm and four fingers of 8.
    depth = np.full((480, 640), 1.6, np.float32)
    depth[240:, 290:350] = depth[165:240, 282:358] = 0.7
    for left in (282, 302, 322, 342):
        depth[98:165, left : left + 14] = 0.7
    middle = 175
    depth += np.linspace(0, 0.01, 640, dtype=np.float32)
    if above:
        depth, middle = depth[::-1], 480 - middle
    x, y, z = CubeCrop()(record(depth=depth, crop_center=None))['crop_center']
    assert z == pytest.approx(0.705, abs=0.001)
    assert x == pytest.approx(0, abs=0.005)
    # The mean of what there is of the arm is 18 cm from there.
    assert 587.1 * y / z + 240 == pytest.approx(middle, abs=25)


def test_depth_files(tmp_path):
    depth = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300
    cv2.imwrite(str(tmp_path / 'mm.png'), depth)
    two = np.zeros((3, 4, 3), np.uint8)
    two[..., 0], two[..., 1], two[..., 2] = depth & 255, depth >> 8, 7
    cv2.imwrite(str(tmp_path / 'nyu.png'), two)
    box = np.float32(depth[1:, 1:])
    header = np.array([4, 3, 1, 1, 4, 3], '<u4')
    (tmp_path / 'msra.bin').write_bytes(header.tobytes() + box.tobytes())
    np.save(tmp_path / 'm.npy', depth / 1000)
    np.save(tmp_path / 'mm.npy', depth)
    expected = np.float32(depth / 1000)
    for name in ('mm.png', 'nyu.png', 'm.npy', 'mm.npy'):
        np.testing.assert_allclose(read_depth(tmp_path / name), expected, atol=1e-6)
    expected[0] = expected[:, 0] = 0
    np.testing.assert_allclose(read_depth(tmp_path / 'msra.bin'), expected, atol=1e-6)
    results = dict(img_path=str(tmp_path / 'mm.png'), depth_format='mm', mirrored=True)
    np.testing.assert_allclose(LoadDepthImage()(results)['depth'], depth[:, ::-1] / 1000)


def test_depth_files_that_are_none(tmp_path):
    grey = np.full((3, 4), 128, np.uint8)
    cv2.imwrite(str(tmp_path / 'grey.png'), grey)
    cv2.imwrite(str(tmp_path / 'view.png'), np.dstack([grey] * 3))
    cv2.imwrite(str(tmp_path / 'mm.png'), grey.astype(np.uint16))
    np.save(tmp_path / 'far.npy', np.full((3, 4), 700.0))
    np.save(tmp_path / 'bytes.npy', grey)
    np.save(tmp_path / 'names.npy', np.array([dict()], dtype=object))
    (tmp_path / 'cut.bin').write_bytes(np.array([320, 240, 0, 0, 9, 9], '<u4').tobytes())
    for name, kind, message in (
        ('grey.png', 'mm', '8-bit grey'),
        ('grey.png', 'auto', '8-bit grey'),
        ('view.png', 'auto', 'grey picture in three'),
        ('mm.png', 'nyu', 'expected 8-bit RGB'),
        ('far.npy', 'auto', 'divide by 1000'),
        ('bytes.npy', 'npy', '8-bit depth'),
        ('names.npy', 'npy', 'no NumPy array'),
        ('cut.bin', 'auto', 'no MSRA depth file'),
    ):
        with pytest.raises(HandDataError, match=f'{name}.*{message}') as caught:
            read_depth(tmp_path / name, kind)
        assert '\n' not in str(caught.value)
    with pytest.raises(HandFileError, match='none.png'):
        read_depth(tmp_path / 'none.png')
    with pytest.raises(HandConfigError, match='known: mm, nyu'):
        read_depth(tmp_path / 'mm.png', 'cm')
