"""Loading, colour, occlusion, targets and packing."""

import copy

import cv2
import numpy as np
import pytest

from mmhand.datasets.transforms import (
    BlurOcclusionParams,
    HandBlurOcclusion,
    HandColorJitter,
    HandColorParams,
    LoadHandImage,
    LoadHandMasks,
    Occluder,
    PackHandInputs,
    decode_mask_planes,
    encode_mask_planes,
)
from mmhand.utils.errors import HandDataError, HandFileError


def record(**changes):
    rng = np.random.default_rng(0)
    out = dict(
        img=rng.integers(0, 256, (32, 24, 3), np.uint8),
        img_shape=(32, 24),
        affine=np.eye(2, 3, dtype=np.float32),
        camera=dict(K=np.eye(3, dtype=np.float32)),
        sample_id='s/1',
        hand_type='interacting',
        hand_type_valid=np.float32(1),
        hand_present=np.ones(2, np.float32),
        keypoints_3d=rng.normal((0, 0, 1), 0.05, (2, 21, 3)).astype(np.float32),
        keypoints_2d=rng.uniform(2, 20, (2, 21, 2)).astype(np.float32),
        keypoint_valid=np.ones((2, 21), np.float32),
        root_depth=np.ones(2, np.float32),
    )
    out.update(changes)
    return out


class TestLoading:
    def test_orientation_tag_is_ignored(self, tmp_path):
        """An EXIF tag that asks for a quarter turn; annotations are for the stored pixels."""
        picture = np.zeros((20, 30, 3), np.uint8)
        picture[:, 20:] = 255
        jpeg = cv2.imencode('.jpg', picture)[1].tobytes()
        tiff = (
            b'II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00'
            + bytes(4)
        )
        exif = b'Exif\x00\x00' + tiff
        segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
        path = tmp_path / 'turned.jpg'
        path.write_bytes(jpeg[:2] + segment + jpeg[2:])
        assert cv2.imread(str(path)).shape == (30, 20, 3)
        results = LoadHandImage()(dict(img_path=path))
        assert results['img'].shape == (20, 30, 3)
        assert results['ori_shape'] == results['img_shape'] == (20, 30)
        np.testing.assert_array_equal(results['affine'], np.eye(2, 3))

    def test_grey_becomes_three_channels_and_floats_on_request(self, tmp_path):
        path = str(tmp_path / 'grey.png')
        cv2.imwrite(path, np.full((5, 6), 77, np.uint8))
        results = LoadHandImage(to_float32=True)(dict(img_path=path))
        assert results['img'].dtype == np.float32
        assert (results['img'] == 77).all()
        assert results['img'].shape == (5, 6, 3)

    def test_storage_backends(self, tmp_path):
        path = str(tmp_path / 'a.png')
        cv2.imwrite(path, np.full((5, 6, 3), 77, np.uint8))
        load = LoadHandImage(backend_args=dict(backend='local'))
        assert load(dict(img_path=path))['img'].shape == (5, 6, 3)
        with pytest.raises(HandFileError, match='cannot read .*absent.png'):
            load(dict(img_path=str(tmp_path / 'absent.png')))

    def test_picture_from_memory(self):
        image = np.zeros((4, 5, 3), np.uint8)
        assert LoadHandImage()(dict(img=image, img_path='nowhere'))['img'] is image
        with pytest.raises(HandDataError, match=r'image of shape \(4, 5\)'):
            LoadHandImage()(dict(img=image[..., 0]))

    def test_masks_and_depth(self, tmp_path):
        planes = (np.random.default_rng(0).random((32, 24, 4)) < 0.5).astype(np.uint8)
        bits = encode_mask_planes(planes)
        assert bits.dtype == np.uint8
        np.testing.assert_array_equal(decode_mask_planes(bits), planes)
        extra = bits | (1 << 5)  # planes that mmhand has no name for are left out
        cv2.imwrite(str(tmp_path / 'm.png'), extra)
        depth = np.arange(32 * 24, dtype=np.uint16).reshape(32, 24)
        cv2.imwrite(str(tmp_path / 'd.png'), depth)
        paths = dict(mask_path=str(tmp_path / 'm.png'), depth_path=str(tmp_path / 'd.png'))
        results = LoadHandMasks(with_depth=True)(record(**paths))
        np.testing.assert_array_equal(results['hand_masks'], 255 * planes)
        np.testing.assert_allclose(results['depth'], depth * 1e-4, rtol=1e-6)
        swapped = record(mask_path=paths['depth_path'])
        with pytest.raises(HandDataError, match='is uint16 of shape'):
            LoadHandMasks()(swapped)
        with pytest.raises(HandDataError, match='expected uint8 of the image'):
            LoadHandMasks()(record(img_shape=(24, 32), **paths))
        with pytest.raises(HandDataError, match='sample s/1 has no mask_path'):
            LoadHandMasks()(record())


class TestColour:
    def test_gains_round_and_clip(self):
        results = record()
        image = results['img'].copy()
        out = HandColorJitter().apply(dict(results), HandColorParams((1.2, 0.8, 1.0)))['img']
        want = np.clip(image * np.array([1.2, 0.8, 1.0]), 0, 255)
        assert np.abs(out - want).max() <= 0.5 + 1e-4
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(results['img'], image)
        again = HandColorJitter().apply(dict(results, img=out), HandColorParams((1.0, 1.0, 1.0)))
        np.testing.assert_array_equal(again['img'], out)

    def test_draws(self):
        rng = np.random.RandomState(0)
        gains = np.array([HandColorJitter().sample(rng).gain for _ in range(2000)])
        assert gains.min() >= 0.8
        assert gains.max() <= 1.2
        np.testing.assert_allclose(gains.std(0), 0.4 / np.sqrt(12), rtol=0.06)
        out = HandColorJitter()(record())['img']
        assert out.shape == (32, 24, 3)


class TestOcclusion:
    def test_nothing_drawn_changes_nothing(self):
        results = record()
        out = HandBlurOcclusion().apply(dict(results), BlurOcclusionParams())
        assert out['img'] is results['img']

    def test_occluder_covers_picture_and_visible_planes(self):
        masks = np.ones((32, 24, 4), np.uint8)
        results = record(hand_masks=masks)
        image = results['img'].copy()
        spot = Occluder((0.5, 0.5), (0.2, 0.2), 0.0, (1, 2, 3))
        out = HandBlurOcclusion().apply(dict(results), BlurOcclusionParams(occluders=(spot,)))
        assert out['img'][16, 12].tolist() == [1, 2, 3]
        assert out['hand_masks'][16, 12].tolist() == [1, 0, 1, 0]
        assert out['hand_masks'][0, 0].tolist() == [1, 1, 1, 1]
        np.testing.assert_array_equal(out['img'][0, 0], image[0, 0])
        np.testing.assert_array_equal(results['img'], image)
        assert masks.all()

    def test_blur_and_shrink_smooth(self):
        def roughness(picture):
            return np.abs(np.diff(picture.astype(int), axis=1)).mean()

        image = record()['img']
        for drawn in (BlurOcclusionParams(sigma=2.0), BlurOcclusionParams(shrink=3.0)):
            out = HandBlurOcclusion().apply(record(), drawn)['img']
            assert out.shape == image.shape
            assert roughness(out) < 0.5 * roughness(image)

    def test_draws(self):
        rng = np.random.RandomState(0)
        drawn = [HandBlurOcclusion().sample(rng) for _ in range(3000)]
        np.testing.assert_allclose(np.mean([d.sigma > 0 for d in drawn]), 0.1, atol=0.02)
        np.testing.assert_allclose(np.mean([d.shrink > 1 for d in drawn]), 0.1, atol=0.02)
        np.testing.assert_allclose(np.mean([len(d.occluders) > 0 for d in drawn]), 0.2, atol=0.03)
        assert max(len(d.occluders) for d in drawn) == 2
        np.random.seed(0)  # noqa: NPY002
        for _ in range(20):
            HandBlurOcclusion(1.0, shrink_prob=1.0, occlusion_prob=1.0)(record())

    def test_works_on_planes_that_jitter_leaves(self):
        results = HandColorJitter()(record())
        spot = Occluder((0.5, 0.5), (0.2, 0.2), 0.0, (1, 2, 3))
        out = HandBlurOcclusion().apply(results, BlurOcclusionParams(occluders=(spot,)))
        assert out['img'][16, 12].tolist() == [1, 2, 3]


class TestPacking:
    def test_rows_are_the_hands_that_are_there(self):
        for present, sides in (((1, 1), [0, 1]), ((1, 0), [0]), ((0, 1), [1])):
            results = record(hand_present=np.float32(present))
            hands = PackHandInputs()(dict(results))['data_samples'].gt_hands
            assert hands.side.tolist() == sides
            np.testing.assert_array_equal(hands.keypoints_3d, results['keypoints_3d'][sides])
            np.testing.assert_array_equal(hands.root, results['keypoints_3d'][sides, 0])
            assert 'pose' not in hands

    def test_everything_is_packed(self):
        mano = dict(
            mano_pose=np.ones((2, 48), np.float32),
            mano_betas=np.ones((2, 10), np.float32),
            mano_trans=np.ones((2, 3), np.float32),
            mano_valid=np.ones(2, np.float32),
        )
        masks = np.zeros((32, 24, 4), np.uint8)
        masks[..., 1] = 1
        results = record(hand_masks=masks, depth=np.ones((32, 24), np.float32), **mano)
        packed = PackHandInputs()(dict(results))
        sample = packed['data_samples']
        np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0), results['img'])
        assert packed['inputs'].is_contiguous()
        hands = sample.gt_hands
        shapes = {key: tuple(value.shape) for key, value in hands.items()}
        assert shapes['pose'] == (2, 48)
        assert shapes['betas'] == (2, 10)
        assert shapes['transl'] == (2, 3)
        assert shapes['mano_valid'] == (2,)
        assert sample.gt_sem_seg.data.shape == (4, 32, 24)
        assert sample.gt_sem_seg.data.float().mean((1, 2)).tolist() == [0, 1, 0, 0]
        assert sample.depth.data.shape == (1, 32, 24)
        assert sample.metainfo['sample_id'] == 's/1'
        assert 'affine' in sample.metainfo['camera']
        copy.deepcopy(sample)
        sample.to('cpu')

    def test_meta_keys_and_bare_pictures(self):
        packed = PackHandInputs(meta_keys=('sample_id',))(record())
        assert dict(packed['data_samples'].metainfo) == {'sample_id': 's/1'}
        bare = dict(img=np.zeros((4, 4, 3), np.uint8), affine=np.eye(2, 3))
        sample = PackHandInputs()(bare)['data_samples']
        assert 'gt_hands' not in sample
